import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How a command ended. */
export interface Run {
  /** As a shell would give it: 128 + n for signal n, 127 for not found, 126 for not to be run. */
  readonly status: number;
  /** `exit 3`, `signal SIGINT`, `not found`, `not executable`; undefined where the status is 0. */
  readonly errorType?: string;
  readonly durationSeconds: number;
  /** Unix milliseconds. */
  readonly endedAt: number;
  /** What the command itself could not say, because it never ran. */
  readonly complaint?: string;
}

/** The terminal sends these to the command as well, which has the same process group: a second one might kill it. */
const SENT_TO_GROUP = ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const;

/**
 * Runs a command on this process's own stdin, stdout and stderr, without a shell. From then on this process outlives
 * the signals that end the command; SIGTERM is passed on to it.
 */
export function runCommand([file, ...args]: readonly [file: string, ...args: string[]]): Promise<Run> {
  const startedAt = performance.now();
  for (const signal of SENT_TO_GROUP) process.on(signal, () => undefined);
  return new Promise((resolve) => {
    const end = (ending: Ending) =>
      resolve({
        ...ending,
        durationSeconds: Math.round(performance.now() - startedAt) / 1000,
        endedAt: Date.now(),
      });
    let child: ChildProcess;
    try {
      child = spawn(file, args, { stdio: 'inherit' });
    } catch (error) {
      // A few errors are thrown instead: a path through a file, too many arguments, an empty name.
      end(notRun(file, error as NodeJS.ErrnoException));
      return;
    }
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', (error: NodeJS.ErrnoException) => {
      // One that runs has this, too, where SIGTERM may not be passed on to it.
      if (child.pid === undefined) end(notRun(file, error));
    });
    child.once('exit', (code, signal) => end(ended(code, signal)));
  });
}

type Ending = Pick<Run, 'status' | 'errorType' | 'complaint'>;

function ended(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal !== null) return { status: 128 + constants.signals[signal], errorType: `signal ${signal}` };
  return code ? { status: code, errorType: `exit ${code}` } : { status: 0 };
}

function notRun(file: string, { code }: NodeJS.ErrnoException): Ending {
  return code === 'ENOENT'
    ? { status: 127, errorType: 'not found', complaint: `${file}: not found` }
    : { status: 126, errorType: 'not executable', complaint: `${file}: cannot be run (${code})` };
}
