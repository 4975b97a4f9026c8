import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../examples/clients/', import.meta.url);

/** The path of a file of the example clients: `node/skills.mjs`. */
export function exampleFile(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/** An example client as its users run it. It sees no variables but those given. */
export class ExampleClient {
  stdout = '';
  stderr = '';
  /** Its exit status. */
  readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(child, 'close').then(([status]) => status as number | null);
  }

  /** Runs the file by that interpreter. */
  static start(interpreter: string, file: string, args: string[], variables: Record<string, string>): ExampleClient {
    const env = { PATH: process.env['PATH'], ...variables };
    return new ExampleClient(spawn(interpreter, [exampleFile(file), ...args], { env, stdio: 'pipe' }));
  }

  /** Resolves when it has printed a message that matches. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      await Promise.race([
        once(this.child.stdout!, 'data'),
        this.ended.then((status) => Promise.reject(new Error(`ended with ${status}: ${this.stdout}${this.stderr}`))),
      ]);
    }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
