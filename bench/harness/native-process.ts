import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, spawnOnCore, userSeconds } from './cores.js';

const START_DEADLINE_MILLIS = 10_000;
const POLL_MILLIS = 20;

/** A server that is no Node process, on its own core. What it writes is shown if it ends before it listens. */
export class NativeProcess {
  #output = '';
  readonly #kill = () => void this.child.kill();

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {
    // It would not notice that nobody measures it any more.
    process.once('exit', this.#kill);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4000)));
    }
  }

  /** Resolves when it listens on the port, which it was told by its arguments or its configuration. */
  static async start(
    program: string,
    args: readonly string[],
    { core, port }: { readonly core: number | undefined; readonly port: number },
  ): Promise<NativeProcess> {
    const server = new NativeProcess(spawnOnCore(program, args, { core, stdio: ['ignore', 'pipe', 'pipe'] }), port);
    await server.#listens();
    return server;
  }

  /** User and system time used so far by it and the processes that it started, in seconds. */
  get cpuSeconds(): number {
    return this.#pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  }

  /** User time alone, in seconds; means something over seconds only. */
  get userSeconds(): number {
    return this.#pids().reduce((sum, pid) => sum + userSeconds(pid), 0);
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill);
    if (!this.#isRunning) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }

  get #isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  #pids(): number[] {
    const pid = this.child.pid!;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    return [pid, ...children.map(Number)];
  }

  async #listens(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MILLIS;
    while (this.#isRunning && Date.now() < deadline) {
      if (await isListening(this.port)) return;
      await sleep(POLL_MILLIS);
    }
    await this.stop();
    throw new Error(`the server does not listen: ${this.#output}`);
  }
}

/** A port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
