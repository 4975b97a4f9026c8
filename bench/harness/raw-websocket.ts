import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

const TEXT = 0x81;
const BINARY = 0x82;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;
const NOTHING = Buffer.alloc(0);

/**
 * A WebSocket client that costs next to nothing, so that what is measured is the server: it finds where frames end,
 * leaves messages as they are, and answers pings. Knows the frames that a server sends: unmasked, not fragmented,
 * below 64 KiB.
 */
export class RawWebSocket {
  #rest: Buffer = NOTHING;
  #onFrame: (payload: Buffer) => void = () => undefined;
  isClosed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  /** Resolves when the handshake is answered. */
  static async open(port: number, path: string, token?: string): Promise<RawWebSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        (token === undefined ? '' : `Authorization: Bearer ${token}\r\n`) +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const end = answer.indexOf('\r\n\r\n');
    if (!answer.toString('latin1').startsWith('HTTP/1.1 101 ') || end < 0) throw new Error('the upgrade was refused');
    const client = new RawWebSocket(socket);
    // The first frames may have come with the answer.
    client.#rest = answer.subarray(end + 4);
    return client;
  }

  /** Calls the listener with the payload of every message from now on. It is valid until the listener returns. */
  onFrame(listener: (payload: Buffer) => void): void {
    this.#onFrame = listener;
    this.#read(NOTHING);
  }

  onClose(listener: () => void): void {
    this.socket.once('close', listener);
  }

  /** Sends a message; resolves when a frame comes back that holds the answer. */
  async request(message: unknown, answer: string): Promise<void> {
    const answered = this.expect(answer);
    this.send(message);
    await answered;
  }

  /** Resolves when a frame comes that holds the answer, from where on none is looked at. */
  async expect(answer: string): Promise<void> {
    let onClose = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onClose = () => reject(new Error(`closed without ${answer}`));
        this.socket.once('close', onClose);
        this.onFrame((payload) => payload.includes(answer) && resolve());
      });
    } finally {
      this.socket.off('close', onClose);
      this.onFrame(() => undefined);
    }
  }

  send(message: unknown): void {
    this.#sendFrame(TEXT, Buffer.from(JSON.stringify(message)));
  }

  /** Sends bytes as they are: frames that somebody has made. */
  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves when the server has closed its end, too. */
  async end(): Promise<void> {
    if (this.isClosed) return;
    const closed = once(this.socket, 'close');
    this.socket.end();
    await closed;
  }

  #sendFrame(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const lengthBytes = length < 126 ? [MASKED | length] : [MASKED | 126, length >> 8, length & 0xff];
    // A mask of zeros is a mask, and changes nothing.
    this.write(Buffer.concat([Buffer.from([opcode, ...lengthBytes, 0, 0, 0, 0]), payload]));
  }

  #read(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = NOTHING;
    let start = 0;
    for (;;) {
      if (data.length < start + 2) break;
      const short = data[start + 1]!;
      const header = short < 126 ? 2 : 4;
      if (data.length < start + header) break;
      const end = start + header + (short < 126 ? short : data.readUInt16BE(start + 2));
      if (data.length < end) break;
      const [opcode, payload] = [data[start]!, data.subarray(start + header, end)];
      if (opcode === TEXT || opcode === BINARY) this.#onFrame(payload);
      else if (opcode === PING && this.socket.writable) this.#sendFrame(PONG, payload);
      start = end;
    }
    if (start < data.length) this.#rest = data.subarray(start);
  }
}
