import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The standalone server as its users run it: `node dist/main.js`, built before. It sees no variables but those given. */
export class ServerProcess {
  stdout = '';
  stderr = '';
  readonly exited: Promise<Exit>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Exit);
  }

  static run(variables: Record<string, string>, cwd: string): ServerProcess {
    return new ServerProcess(
      spawn(process.execPath, [MAIN], { cwd, env: { PATH: process.env['PATH'], ...variables }, stdio: 'pipe' }),
    );
  }

  /** Runs it on a free port until it says that it is up. */
  static async up(variables: Record<string, string>, cwd: string): Promise<ServerProcess> {
    const server = ServerProcess.run({ PORT: '0', ...variables }, cwd);
    await Promise.race([
      server.printed('wscat'),
      server.exited.then(({ code }) => Promise.reject(new Error(`exited with ${code}: ${server.stderr}`))),
    ]);
    return server;
  }

  /** Resolves when the text stands in what it has printed. */
  async printed(text: string): Promise<void> {
    while (!this.stdout.includes(text)) await once(this.child.stdout!, 'data');
  }

  /** Resolves when the text stands in what it has printed as errors. */
  async printedError(text: string): Promise<void> {
    while (!this.stderr.includes(text)) await once(this.child.stderr!, 'data');
  }

  /** Where it listens, as it says itself. */
  get port(): number {
    return Number(/http:\/\/[^\s/]+:(\d+)\//.exec(this.stdout)![1]);
  }

  url(path: string, scheme: 'http' | 'ws' = 'http'): string {
    return `${scheme}://127.0.0.1:${this.port}${path}`;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it, however it may be, unless it has ended. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
