import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type Socket, connect } from 'node:net';
import type { TestApp } from './app.js';
import { OPCODES } from './raw-frame.js';

/** A frame as the server sent it. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** How the server ended a connection: with a close frame of this code, null where it has none, or without any. */
export type RawEnd = { readonly code: number | null; readonly reason: string } | 'no close frame';

/** A WebSocket whose frames a test makes by hand, byte by byte, right or wrong; it answers nothing by itself. */
export class RawSocket {
  /** All that came after the handshake. */
  received: Buffer = Buffer.alloc(0);
  /** Resolves when the server has ended its side, in whichever way. */
  readonly ended: Promise<unknown>;
  #taken = 0;

  private constructor(
    private readonly socket: Socket,
    /** The server's own end of it. */
    readonly peer: Socket,
  ) {
    socket.on('error', () => undefined).setNoDelay();
    this.ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  }

  /** Connects; does not wait for more than the handshake. */
  static async open(app: TestApp, path: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const accepted = once(app.app.getHttpServer() as Server, 'connection') as Promise<[Socket]>;
    const socket = connect(app.port, '127.0.0.1');
    const [peer] = await accepted;
    const raw = new RawSocket(socket, peer);
    const all = {
      Host: 'localhost',
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    socket.write([`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
    await raw.#readHandshake();
    return raw;
  }

  write(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Writes, and resolves once the server has read it, by itself and not together with what follows. */
  async writeAlone(bytes: Uint8Array): Promise<void> {
    const read = once(this.peer, 'data');
    this.write(bytes);
    await read;
  }

  /** The next frame. @throws Error where the connection ends before it is there. */
  async next(): Promise<ServerFrame> {
    for (;;) {
      const frame = frameAt(this.received, this.#taken);
      if (frame) {
        this.#taken += frame.bytes;
        return frame;
      }
      await this.#more();
    }
  }

  /** The next frame of this kind; those before it are dropped. */
  async nextOf(opcode: number): Promise<ServerFrame> {
    for (;;) {
      const frame = await this.next();
      if (frame.opcode === opcode) return frame;
    }
  }

  /** The next message in JSON that has this type. */
  async nextMessage(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { payload } = await this.nextOf(OPCODES.text);
      const message = JSON.parse(payload.toString()) as Record<string, unknown>;
      if (message['type'] === type) return message;
    }
  }

  /** Waits until the server has ended it, and says how. */
  async end(): Promise<RawEnd> {
    await this.ended;
    for (let at = this.#taken, frame; (frame = frameAt(this.received, at)); at += frame.bytes) {
      if (frame.opcode !== OPCODES.close) continue;
      const { payload } = frame;
      return { code: payload.length > 0 ? payload.readUInt16BE() : null, reason: payload.subarray(2).toString() };
    }
    return 'no close frame';
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #readHandshake(): Promise<void> {
    let head: Buffer = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) {
      const [chunk] = (await once(this.socket, 'data')) as [Buffer];
      head = Buffer.concat([head, chunk]);
    }
    if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(head.toString('latin1'));
    this.received = head.subarray(head.indexOf('\r\n\r\n') + 4);
    this.socket.on('data', (chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk])));
  }

  async #more(): Promise<void> {
    const before = this.received.length;
    await Promise.race([new Promise((resolve) => this.socket.once('data', resolve)), this.ended]);
    if (this.received.length === before) throw new Error(`ended after: ${this.received.toString('latin1')}`);
  }
}

/** The frame that begins here, and how long it is; `undefined` where it is not there yet. A server masks nothing. */
function frameAt(bytes: Buffer, at: number): (ServerFrame & { readonly bytes: number }) | undefined {
  if (bytes.length < at + 2) return undefined;
  const short = bytes[at + 1]! & 0x7f;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < at + head) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  if (bytes.length < at + head + length) return undefined;
  return { opcode: bytes[at]! & 0x0f, payload: bytes.subarray(at + head, at + head + length), bytes: head + length };
}
