import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** In milliseconds. */
const BETWEEN_PIECES = 100;

/**
 * A link on which a client is brought so many bytes a second and no more. What is too much waits where the network keeps
 * it, and at last with the server; what the client sends gets through at once.
 */
export class SlowLink {
  readonly #timer: NodeJS.Timeout;
  /** The server's ends, each with the client's. */
  readonly #ends = new Map<Socket, Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    bytesPerSecond: number,
  ) {
    let last = performance.now();
    this.#timer = setInterval(() => {
      // A timer may be late, and the link is not to become slower by that.
      const piece = Math.floor(((performance.now() - last) * bytesPerSecond) / 1000);
      last += (piece * 1000) / bytesPerSecond;
      for (const [from, to] of this.#ends) {
        const chunk = from.read(Math.min(piece, from.readableLength)) as Buffer | null;
        if (chunk) to.write(chunk);
      }
    }, BETWEEN_PIECES);
  }

  /** To this port of loopback; clients connect to {@link port}. */
  static async to(port: number, bytesPerSecond: number): Promise<SlowLink> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const link = new SlowLink(server, (server.address() as AddressInfo).port, bytesPerSecond);
    server.on('connection', (client) => link.#join(client, connect(port, '127.0.0.1')));
    return link;
  }

  /** Ends all connections, and refuses new ones. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.server.close();
    for (const end of [...this.#ends].flat()) end.destroy();
    await once(this.server, 'close');
  }

  #join(client: Socket, end: Socket): void {
    this.#ends.set(end, client);
    client.pipe(end);
    end.on('end', () => client.end());
    end.on('close', () => {
      this.#ends.delete(end);
      client.destroy();
    });
    client.on('close', () => end.destroy());
    for (const socket of [client, end]) socket.on('error', () => undefined);
  }
}
