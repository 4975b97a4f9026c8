import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

const TEXT = 0x81;
const MASKED = 0x80;
const NOTHING = Buffer.alloc(0);

/**
 * A WebSocket client that costs next to nothing, so that what is measured is the server: it finds where frames end,
 * and leaves them as they are. Knows the frames that a server sends: unmasked, not fragmented, below 64 KiB.
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
  static async open(port: number, path: string): Promise<RawWebSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
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

  /** Calls the listener with the payload of every text frame from now on. It is valid until the listener returns. */
  onFrame(listener: (payload: Buffer) => void): void {
    this.#onFrame = listener;
    this.#read(NOTHING);
  }

  /** Sends a message of at most 125 bytes; resolves when a frame comes back that holds the answer. */
  async request(message: unknown, answer: string): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      this.socket.once('close', () => reject(new Error(`closed without ${answer}`)));
      this.onFrame((payload) => payload.includes(answer) && resolve());
    });
    this.send(message);
    await answered;
    this.onFrame(() => undefined);
  }

  send(message: unknown): void {
    const payload = Buffer.from(JSON.stringify(message));
    if (payload.length > 125) throw new Error('too long for a short frame');
    // A mask of zeros is a mask, and changes nothing.
    this.socket.write(Buffer.concat([Buffer.from([TEXT, MASKED | payload.length, 0, 0, 0, 0]), payload]));
  }

  /** Resolves when the server has closed its end, too. */
  async end(): Promise<void> {
    if (this.isClosed) return;
    const closed = once(this.socket, 'close');
    this.socket.end();
    await closed;
  }

  #read(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = NOTHING;
    let start = 0;
    for (;;) {
      if (data.length < start + 4) break;
      const short = data[start + 1]!;
      const header = short < 126 ? 2 : 4;
      const end = start + header + (short < 126 ? short : data.readUInt16BE(start + 2));
      if (data.length < end) break;
      if (data[start] === TEXT) this.#onFrame(data.subarray(start + header, end));
      start = end;
    }
    if (start < data.length) this.#rest = data.subarray(start);
  }
}
