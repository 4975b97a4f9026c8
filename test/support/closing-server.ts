import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** A first message that every dialect's clients can take for one of theirs. */
const GREETING = {
  type: 'connected',
  event: 'connected',
  timestamp: '2026-11-21T12:00:00.000Z',
  total_decisions: 0,
  avg_confidence: null,
  provider_usage: {},
};

/** In the place of Metricast's, for the closes that a healthy one never makes: it greets, and closes with the next of the codes. */
export class ClosingServer {
  private constructor(
    readonly url: string,
    private readonly server: WebSocketServer,
  ) {}

  /** @param codes one for each connection, as many as there may be. */
  static async start(codes: readonly number[]): Promise<ClosingServer> {
    const left = [...codes];
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => {
      socket.send(JSON.stringify(GREETING));
      socket.close(left.shift(), 'says the test');
      if (left.length === 0) server.close();
    });
    await once(server, 'listening');
    return new ClosingServer(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  }

  close(): void {
    this.server.close();
    for (const socket of this.server.clients) socket.terminate();
  }
}
