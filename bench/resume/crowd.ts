import { RawWebSocket } from '../harness/raw-websocket.js';
import { signToken } from '../harness/token.js';

export const TENANT = 'acme';
export const CHANNEL = 'orders.metrics';

const ACK = Buffer.from('"type":"subscribed"');
const RECOVERED = Buffer.from('"recovered":true}');
const POINT = Buffer.from('"name":');
const PATH = '/ws/metrics';

/** Where a client stands. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What the clients of a crowd got until each was live again. */
export interface Received {
  /** Milliseconds until the last one was. */
  readonly millis: number;
  /** Messages of the channel before the acknowledgements, of all together. */
  readonly replayed: number;
  readonly bytes: number;
  /** Clients that were told that they have all that they missed. */
  readonly recovered: number;
}

/** Clients, each with a token of its own, that leave and come back all at once. */
export class Crowd {
  readonly #tokens: readonly string[];
  #sockets: readonly RawWebSocket[] = [];

  constructor(
    private readonly port: number,
    count: number,
  ) {
    this.#tokens = Array.from({ length: count }, (_, index) => signToken(`client-${index}`, TENANT));
  }

  /** Where the channel stands. */
  async position(): Promise<Position> {
    const socket = await RawWebSocket.open(this.port, PATH, this.#tokens[0]);
    const position = new Promise<Position>((resolve) => {
      socket.onFrame((payload) => {
        if (!payload.includes(ACK)) return;
        const { positions } = JSON.parse(payload.toString()) as { positions: Record<string, Position> };
        resolve(positions[CHANNEL]!);
      });
    });
    socket.send({ type: 'subscribe', data: { channels: [CHANNEL] } });
    await position;
    await socket.end();
    return position;
  }

  /** All connect at once and want what came after the position. Resolves when the last one is live again. */
  async comeBack(position: Position): Promise<Received> {
    const begin = performance.now();
    let [replayed, bytes, recovered] = [0, 0, 0];
    this.#sockets = await Promise.all(
      this.#tokens.map(async (token) => {
        const socket = await RawWebSocket.open(this.port, PATH, token);
        await new Promise<void>((resolve, reject) => {
          socket.onClose(() => reject(new Error('a client was sent away')));
          socket.onFrame((payload) => {
            bytes += payload.length;
            if (payload.includes(POINT)) replayed++;
            if (!payload.includes(ACK)) return;
            if (payload.includes(RECOVERED)) recovered++;
            resolve();
          });
          socket.send({ type: 'subscribe', data: { channels: [CHANNEL], recover: { [CHANNEL]: position } } });
        });
        return socket;
      }),
    );
    return { millis: performance.now() - begin, replayed, bytes, recovered };
  }

  async leave(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.end()));
    this.#sockets = [];
  }
}
