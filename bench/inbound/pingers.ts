import { RawWebSocket } from '../harness/raw-websocket.js';

const TEXT = 0x81;
const MASKED = 0x80;
/** As of any client, not zeros: those need no unmasking, and `ws` skips it. */
const MASK = [0x37, 0xfa, 0x21, 0x3d];
const PONG = Buffer.from('pong');

export interface Pinging {
  readonly path: string;
  readonly ping: object;
  readonly connections: number;
  /** Pings that a connection sends at once. */
  readonly atOnce: number;
}

/** Connections that ping, each its next ones when the last of those before is answered. */
export class Pingers {
  answered = 0;
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly sockets: readonly RawWebSocket[],
    private readonly batch: Buffer,
    private readonly atOnce: number,
  ) {}

  static async open(port: number, { path, ping, connections, atOnce }: Pinging): Promise<Pingers> {
    const sockets: RawWebSocket[] = [];
    for (let count = 0; count < connections; count++) {
      const socket = await RawWebSocket.open(port, path);
      // Whatever greets it comes before the first answer.
      await socket.request(ping, 'pong');
      sockets.push(socket);
    }
    return new Pingers(sockets, Buffer.concat(Array<Buffer>(atOnce).fill(maskedFrame(ping))), atOnce);
  }

  start(): void {
    this.#isStopping = false;
    this.#running = Promise.all(this.sockets.map((socket) => this.#pingOn(socket)));
  }

  /** Resolves when all that was sent is answered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) await socket.end();
  }

  #pingOn(socket: RawWebSocket): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = this.atOnce;
      socket.onClose(() => reject(new Error('the server closed a connection')));
      socket.onFrame((payload) => {
        if (!payload.includes(PONG)) return reject(new Error(`not a pong: ${payload.toString()}`));
        this.answered++;
        if (--left > 0) return;
        if (this.#isStopping) return resolve();
        left = this.atOnce;
        socket.write(this.batch);
      });
      socket.write(this.batch);
    });
  }
}

function maskedFrame(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message)).map((byte, index) => byte ^ MASK[index % MASK.length]!);
  return Buffer.from([TEXT, MASKED | payload.length, ...MASK, ...payload]);
}
