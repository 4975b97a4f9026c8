import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { decode, encode } from '@msgpack/msgpack';
import { type ClientOptions, WebSocket } from 'ws';

export type WireMessage = Record<string, unknown>;

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

interface Waiting {
  readonly matches: (message: WireMessage) => boolean;
  readonly resolve: (message: WireMessage) => void;
  readonly reject: (error: Error) => void;
}

/** A WebSocket client as a test wants one: keeps what it received until it is asked for, and waits for what is to come. */
export class WireClient {
  /** What was received and not asked for yet, oldest first. */
  readonly unread: WireMessage[] = [];
  /** Whether the newest frame was a binary one. */
  lastWasBinary = false;
  readonly closed: Promise<Closing>;
  readonly #waiting: Waiting[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      this.lastWasBinary = isBinary;
      this.#receive((isBinary ? decode(data) : JSON.parse(data.toString())) as WireMessage);
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(`closed: ${code} ${reason.toString()}`));
      });
    });
    socket.on('error', () => undefined);
  }

  /** Connects; does not wait for more than the handshake. */
  static async open(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<WireClient> {
    const { protocols, ...rest } = options;
    const client = new WireClient(new WebSocket(url, protocols ?? [], rest));
    await once(client.socket, 'open');
    return client;
  }

  /** The HTTP status with which the upgrade is refused. */
  static async refusedWith(url: string, options: ClientOptions = {}): Promise<number> {
    const socket = new WebSocket(url, options);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    return response.statusCode!;
  }

  send(message: WireMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  sendMessagePack(message: WireMessage): void {
    this.socket.send(encode(message));
  }

  sendRaw(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next message, or the next one that has these fields; those before it are dropped. */
  next(fields: WireMessage = {}): Promise<WireMessage> {
    return this.find((message) => Object.entries(fields).every(([name, value]) => message[name] === value));
  }

  find(matches: (message: WireMessage) => boolean): Promise<WireMessage> {
    while (this.unread.length > 0) {
      const message = this.unread.shift()!;
      if (matches(message)) return Promise.resolve(message);
    }
    if (this.socket.readyState >= WebSocket.CLOSING) return Promise.reject(new Error('closed'));
    return new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject }));
  }

  /** Everything up to the next message that has these fields, which is the last of it. */
  async upTo(fields: WireMessage): Promise<WireMessage[]> {
    const received: WireMessage[] = [];
    await this.find((message) => {
      received.push(message);
      return Object.entries(fields).every(([name, value]) => message[name] === value);
    });
    return received;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  #receive(message: WireMessage): void {
    const index = this.#waiting.findIndex(({ matches }) => matches(message));
    if (index >= 0) this.#waiting.splice(index, 1)[0]!.resolve(message);
    else if (this.#waiting.length === 0) this.unread.push(message);
  }
}
