import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { TestApp } from '../../support/app.js';

it('a refused upgrade is over, also for a peer that never ends its side', async () => {
  const app = await TestApp.start();
  const peer = connect({ port: app.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [answer] = (await once(peer, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 404 /);

  // The server let go of it entirely: what is sent now is answered by a reset.
  await once(peer, 'end');
  const reset = once(peer, 'error');
  const sending = setInterval(() => peer.write('x'), 5);
  expect(await reset).toMatchObject([{ code: expect.stringMatching(/ECONNRESET|EPIPE/) }]);
  clearInterval(sending);
  await app.close();
});
