import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scratch } from '../support/host.js';
import { ServerProcess } from '../support/server-process.js';
import { WireClient } from '../support/wire-client.js';

const UPGRADE = 'GET /ws/skills HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
const PATIENCE_MILLIS = 15_000;
/** Between two bytes of those who never stop. */
const DRIP_MILLIS = 1000;

/** Half of a request, and how it goes on; or does not. */
const HALVES = [
  { what: 'of an upgrade, and then nothing', first: UPGRADE, next: '' },
  { what: 'of an upgrade, and a byte each second', first: `${UPGRADE}X-Slow: `, next: 'x' },
  { what: 'of a request, and a header each second', first: 'GET /health HTTP/1.1\r\n', next: 'X-Slow: x\r\n' },
  { what: 'of nothing', first: '', next: '' },
];
const EACH = 125;

interface Peer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
}

async function peer(port: number, first: string, next: string): Promise<Peer> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(first);
  const drip = setInterval(() => next !== '' && socket.write(next), DRIP_MILLIS);
  void closed.then(() => clearInterval(drip));
  return { socket, closed };
}

describe('the standalone server', { timeout: 60_000 }, () => {
  let scratch: Scratch;
  let server: ServerProcess;
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(async () => {
    await server.stop();
    scratch.remove();
  });

  it('closes 500 halves of requests within 15 seconds, and serves everybody else meanwhile', async () => {
    server = await ServerProcess.up({}, scratch.directory);
    const start = performance.now();
    const peers = await Promise.all(
      HALVES.flatMap(({ first, next }) => Array.from({ length: EACH }, () => peer(server.port, first, next))),
    );
    let open = peers.length;
    for (const { closed } of peers) void closed.then(() => open--);
    let served = 0;
    while (open > 0) {
      const client = await WireClient.open(server.url('/ws/skills', 'ws'));
      await client.next({ type: 'connected' });
      // As often as the server shows something new.
      await client.next({ type: 'metrics_update' });
      await client.close();
      served++;
    }

    expect(performance.now() - start).toBeLessThan(PATIENCE_MILLIS);
    expect(served).toBeGreaterThan(4);
  });

  it('closes who does not shake hands over TLS', async () => {
    const file = (name: string) => fileURLToPath(new URL(`../support/fixtures/tls/${name}.pem`, import.meta.url));
    server = await ServerProcess.up({ TLS_CERT: file('cert'), TLS_KEY: file('key') }, scratch.directory);
    const port = Number(/https:\/\/[^\s/]+:(\d+)\//.exec(server.stdout)![1]);
    const start = performance.now();
    const peers = await Promise.all(Array.from({ length: 20 }, () => peer(port, '\x16\x03\x01', '')));
    await Promise.all(peers.map(({ closed }) => closed));

    expect(performance.now() - start).toBeLessThan(PATIENCE_MILLIS);
  });
});
