#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { type Command, UsageError, wantsHelp } from './cli/command.js';
import { EnvironmentError } from './variables.js';

interface Listed {
  readonly summary: string;
  /** Read only when it is wanted: `record` must not wait for the server's code. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  serve: {
    summary: 'run the standalone server',
    load: async () => (await import('./cli/serve.js')).serve,
  },
  token: {
    summary: 'sign a token for a client',
    load: async () => (await import('./cli/token.js')).token,
  },
  record: {
    summary: 'run a command, and record how long it took and how it ended',
    load: async () => (await import('./cli/record.js')).record,
  },
};

process.exitCode = await metricast(process.argv.slice(2));

/** Runs the program. Resolves to its exit status, as far as it has ended: a server goes on. */
async function metricast([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') return print(help());
  if (name === '--version' || name === '-v') return print(`${version()}\n`);
  if (name.startsWith('-')) return complain('metricast', `unknown option ${name.split('=', 1)[0]}`, 2);
  if (!Object.hasOwn(COMMANDS, name)) return complain('metricast', `unknown command ${JSON.stringify(name)}`, 2);

  const command = await COMMANDS[name]!.load();
  if (wantsHelp(args)) return print(command.help);
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) return complain(`metricast ${name}`, error.message, 2);
    if (error instanceof EnvironmentError) return complain(`metricast ${name}`, error.message, 1);
    throw error;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function complain(program: string, message: string, status: number): number {
  const advice = status === 2 ? ` (see ${program} --help)` : '';
  process.stderr.write(`${program}: ${message}${advice}\n`);
  return status;
}

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Usage: metricast COMMAND [OPTION…]

Live metrics of AI tools, agents and services.

Commands:
${commands.join('\n')}

metricast COMMAND --help says more. metricast --version prints the version.
`;
}

function version(): string {
  const description = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
