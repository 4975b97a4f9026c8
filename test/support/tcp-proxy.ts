import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Stands between a client and a server, and fails as networks do. */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  #isSilent = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** Listens on a free port of loopback, or on one that it had before. */
  static async to(target: { readonly port: number; readonly host: string }, port = 0): Promise<TcpProxy> {
    const server = createServer();
    await once(server.listen(port, '127.0.0.1'), 'listening');
    const proxy = new TcpProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.#join(client, connect(target)));
    return proxy;
  }

  /** From now on nothing gets through, and nobody is told: as where a cable is pulled. */
  silence(): void {
    this.#isSilent = true;
  }

  /** Lets new connections through. */
  restore(): void {
    this.#isSilent = false;
  }

  /** Ends all connections, and refuses new ones. */
  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => {
        if (!this.#isSilent) to.write(chunk);
      });
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined);
    }
  }
}
