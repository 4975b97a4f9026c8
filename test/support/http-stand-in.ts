import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a stand-in received. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers a request; one that it leaves alone waits until the stand-in is closed. */
export type Answering = (request: Received, response: ServerResponse) => unknown;

/** An HTTP server in the place of a real one, for the answers that a healthy one never gives. */
export class HttpStandIn {
  readonly received: Received[] = [];

  private constructor(
    readonly url: string,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  /** @param port that of one which went away, to come back in its place. */
  static async start(answer: Answering, port = 0): Promise<HttpStandIn> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const standIn = new HttpStandIn(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void text(request).then((body) => {
        const received = { path: request.url!, headers: request.headers, body };
        standIn.received.push(received);
        return answer(received, response);
      });
    });
    return standIn;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Goes away; who is still connected is cut off. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
