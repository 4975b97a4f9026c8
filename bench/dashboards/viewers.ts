import { RawWebSocket } from '../harness/raw-websocket.js';
import type { Feed } from './pages.js';

/** Handshakes under way at once. */
const AT_ONCE = 20;
const ERROR = Buffer.from('"error"');

/** What came over the connections of one kind. */
export interface Received {
  readonly connections: number;
  readonly frames: number;
  readonly bytes: number;
}

/** A connection to open, and whose it is. */
export interface Viewer {
  readonly feed: Feed;
  readonly token: string;
}

/** The open connections of all pages: counts what comes, by kind. */
export class Viewers {
  readonly #sockets: RawWebSocket[] = [];
  readonly #received = new Map<string, { connections: number; frames: number; bytes: number }>();
  readonly #faults: string[] = [];

  private constructor() {}

  static async open(port: number, viewers: readonly Viewer[]): Promise<Viewers> {
    const all = new Viewers();
    const left = [...viewers];
    const openOn = async () => {
      for (let viewer = left.pop(); viewer; viewer = left.pop()) await all.#open(port, viewer);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, openOn));
    return all;
  }

  /** So far, by kind. */
  get received(): ReadonlyMap<string, Received> {
    return new Map([...this.#received].map(([kind, count]) => [kind, { ...count }]));
  }

  /** The first that went wrong: an error that the server told a viewer, or a connection that it closed. */
  get fault(): string | undefined {
    return this.#faults[0];
  }

  async end(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.end()));
  }

  async #open(port: number, { feed: { kind, path, messages }, token }: Viewer): Promise<void> {
    const socket = await RawWebSocket.open(port, path, token);
    this.#sockets.push(socket);
    // Without quotes, which MessagePack has not; `subscription_confirmed` of the dialect skills begins like it.
    for (const message of messages) await socket.request(message, 'subscri');
    const count = this.#received.get(kind) ?? { connections: 0, frames: 0, bytes: 0 };
    this.#received.set(kind, count);
    count.connections++;
    socket.onClose(() => this.#faults.push(`${kind}: the server closed a connection`));
    socket.onFrame((payload) => {
      count.frames++;
      count.bytes += payload.length;
      if (this.#faults.length === 0 && payload.includes(ERROR)) this.#faults.push(`${kind}: ${payload.toString()}`);
    });
  }
}
