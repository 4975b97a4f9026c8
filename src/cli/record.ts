import { randomUUID } from 'node:crypto';
import { isPlainText, isoTimestamp } from '../protocol/index.js';
import { type Command, UsageError, parseArguments, splitAtTerminator } from './command.js';
import { type Target, isBearerToken, parseServerUrl, postRun } from './post-run.js';
import { runCommand } from './run-command.js';

const DEFAULT_URL = 'http://127.0.0.1:8000';

export const record: Command = {
  help: `Usage: metricast record SKILL [OPTION…] -- COMMAND [ARGUMENT…]

Runs the command, records how long it took and how it ended as an invocation of the skill, and exits with the command's
own status. A server that cannot be reached is reported on stderr, and changes nothing about that.

  --url URL          the server (default: METRICAST_URL, or ${DEFAULT_URL})
  --token TOKEN      a token with the role ingest (default: METRICAST_TOKEN, which other users cannot see)
  --session SESSION  the session that the invocation belongs to
  --tool TOOL        the tool that it belongs to

The command is run as it stands, without a shell. Exit status: the command's own; 128 + n when signal n ended it; 127
when it was not found, 126 when it could not be run.

Example: metricast record lint -- npm run lint
`,

  async run(args) {
    const { skill, session, tool, target, command } = readRequest(args);
    // Whoever read stderr may be gone; what counts is that the run is recorded, and its status.
    process.stderr.on('error', () => undefined);

    const run = await runCommand(command);
    if (run.complaint !== undefined) process.stderr.write(`metricast record: ${run.complaint}\n`);
    const failure = await postRun(target, {
      // The same in every attempt, so that the run counts once.
      id: randomUUID(),
      skill_name: skill,
      completed: run.status === 0,
      duration_seconds: run.durationSeconds,
      error_type: run.errorType,
      session_id: session,
      tool_id: tool,
      timestamp: isoTimestamp(run.endedAt),
    });
    if (failure !== undefined) process.stderr.write(`metricast record: not recorded: ${failure}\n`);
    return run.status;
  },
};

interface Request {
  readonly skill: string;
  readonly session: string | undefined;
  readonly tool: string | undefined;
  readonly target: Target;
  readonly command: readonly [file: string, ...args: string[]];
}

/** Everything that can be wrong is found before the command runs: its result must not be lost to a typing error. */
function readRequest(args: readonly string[]): Request {
  const { before, after = [] } = splitAtTerminator(args);
  const { options, operands } = parseArguments(before, ['url', 'token', 'session', 'tool']);
  const [skill, ...rest] = operands;
  const [file, ...commandArgs] = after;
  if (skill === undefined) throw new UsageError('SKILL is missing');
  if (rest.length > 0 || file === undefined) throw new UsageError('the command must follow after --');
  return {
    skill: readName('SKILL', skill),
    session: options.session === undefined ? undefined : readName('--session', options.session),
    tool: options.tool === undefined ? undefined : readName('--tool', options.tool),
    target: {
      url: readUrl('--url', options.url) ?? readUrl('METRICAST_URL', process.env['METRICAST_URL']) ?? DEFAULT_TARGET,
      token: readToken('--token', options.token) ?? readToken('METRICAST_TOKEN', process.env['METRICAST_TOKEN']),
    },
    command: [file, ...commandArgs],
  };
}

const DEFAULT_TARGET = new URL(DEFAULT_URL);
const MAX_NAME_LENGTH = 200;

function readName(what: string, value: string): string {
  if (isPlainText(value, MAX_NAME_LENGTH)) return value;
  throw new UsageError(`${what} must be a printable text of 1 to ${MAX_NAME_LENGTH} characters`);
}

function readUrl(what: string, value: string | undefined): URL | undefined {
  if (!value) return undefined;
  const url = parseServerUrl(value);
  if (url === undefined) throw new UsageError(`${what} must be an http or https address without user and password`);
  return url;
}

function readToken(what: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (!isBearerToken(value)) throw new UsageError(`${what} must be a token: it holds characters that none can have`);
  return value;
}
