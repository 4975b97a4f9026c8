import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The built program. */
export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Ended {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `metricast` as its users run it, built before. It sees no variables but those given. */
export class CliProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  private constructor(readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(child, 'close').then(([status]) => ({
      status: status as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Starts it as the head of a process group of its own, as a shell would at a terminal. */
  static start(args: readonly string[], variables: Record<string, string> = {}, cwd = process.cwd()): CliProcess {
    if (!existsSync(CLI)) throw new Error(`${CLI} is missing: npm run build`);
    const env = { PATH: process.env['PATH'], ...variables };
    const program = new CliProcess(
      spawn(process.execPath, [CLI, ...args], { cwd, env, detached: true, stdio: 'pipe' }),
    );
    onTestFinished(() => program.#end());
    return program;
  }

  /** Runs it to its end, with this on its standard input. */
  static run(args: readonly string[], variables: Record<string, string> = {}, input = ''): Promise<Ended> {
    const program = CliProcess.start(args, variables);
    program.child.stdin!.end(input);
    return program.ended;
  }

  /** Resolves when the text stands in what it has printed. */
  async printed(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      await Promise.race([
        once(this.child.stdout!, 'data'),
        this.ended.then(() => Promise.reject(new Error(`ended before it printed ${text}: ${this.stderr}`))),
      ]);
    }
  }

  /** Ctrl-C: the terminal sends SIGINT to every process of the group. */
  interrupt(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }
  /** Leaves nothing of it behind, whatever became of the test. */
  #end(): void {
    try {
      process.kill(-this.child.pid!, 'SIGKILL');
    } catch {
      // The whole group has ended.
    }
  }
}
