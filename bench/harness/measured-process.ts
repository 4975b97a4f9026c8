import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpuSeconds, spawnNode, userSeconds, waitedSeconds } from './cores.js';

export interface ProcessOptions {
  readonly core: number | undefined;
  /** Its whole environment, beside `PATH`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ServerOptions extends ProcessOptions {
  /** Modules to preload beside the observer. */
  readonly preload?: readonly URL[];
}

const OBSERVER = new URL('observer.mjs', import.meta.url);
const START_DEADLINE_MILLIS = 20_000;

/** A Node process on its own core that is measured from outside. What it writes to its standard error is shown. */
export class MeasuredProcess {
  protected readonly child: ChildProcess;

  constructor(args: readonly string[], { core, env = {} }: ProcessOptions) {
    this.child = spawnNode(args, {
      core,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
  }

  /** User and system time used so far, in seconds. */
  get cpuSeconds(): number {
    return cpuSeconds(this.child.pid!);
  }

  /** User time alone, in seconds; means something over seconds only. */
  get userSeconds(): number {
    return userSeconds(this.child.pid!);
  }

  /** Time that it was ready to run and something else had its core, in seconds; NaN where the kernel does not tell. */
  get waitedSeconds(): number {
    return waitedSeconds(this.child.pid!);
  }

  /** Asks it, or what was preloaded into it; resolves with the answer. */
  ask<T>(ask: string, argument?: string | number): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`the process ended, asked for ${ask}`));
      const onMessage = ({ answer, value }: { answer: string; value: T }) => {
        if (answer !== ask) return;
        this.child.off('exit', onExit).off('message', onMessage);
        resolve(value);
      };
      this.child.once('exit', onExit).on('message', onMessage);
      this.child.send({ ask, argument });
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}

/** A server that says where it listens by printing its address. */
export class ServerProcess extends MeasuredProcess {
  #port = 0;

  private constructor(script: string, { preload = [], env = {}, ...options }: ServerOptions) {
    const preloads = [OBSERVER, ...preload].flatMap((url) => ['--import', url.href]);
    super([...preloads, script], { ...options, env: { PORT: '0', LOG_LEVEL: 'warn', ...env } });
  }

  static async start(script: string, options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(script, options);
    server.#port = await server.#printedPort();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  #printedPort(): Promise<number> {
    const output = this.child.stdout!;
    let printed = '';
    return new Promise((resolve, reject) => {
      const fail = (why: string) => () => reject(new Error(`the server ${why}: ${printed}`));
      const tooLate = setTimeout(fail('did not start'), START_DEADLINE_MILLIS);
      this.child.once('error', reject).once('exit', fail('ended at its start'));
      output.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed);
        if (!address) return;
        clearTimeout(tooLate);
        // Read on, or a server that logs would fill the pipe.
        output.removeAllListeners('data').resume();
        resolve(Number(address[1]));
      });
    });
  }
}
