import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../support/app.js';
import { Bystander } from '../support/bystander.js';
import { closeFrame, jsonFrame, rawFrame } from '../support/raw-frame.js';
import { RawSocket } from '../support/raw-socket.js';
import { TestTenant } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

const KIB = 1024;
const MAX_OWING = 1000;
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

describe('somebody of whom it is not known who they are', () => {
  let app: TestApp;
  let bystander: Bystander;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, compression: true });
    bystander = await Bystander.on(app);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const open = async (path: string) => {
    const raw = await RawSocket.open(app, path);
    onTestFinished(() => raw.destroy());
    return raw;
  };

  it.each(['/ws/metrics?token=x', '/ws?token=x', '/ws/skills?token=x', '/ws/metrics', '/ws/skills'])(
    'gets nothing inflated: %s',
    async (path) => {
      const client = await WireClient.open(app.url(path, 'ws'), { perMessageDeflate: true });
      onTestFinished(() => client.socket.terminate());

      expect(client.socket.extensions).toBe('');
    },
  );

  it('may send 16 KiB, and is told at the first byte of more', async () => {
    const raw = await open('/ws/skills');
    raw.write(rawFrame('', { announced: BigInt(16 * KIB + 1) }));

    expect(await raw.end()).toMatchObject({ code: 1009 });
  });

  it('may send a mebibyte as soon as it is known', async () => {
    const raw = await open('/ws/skills');
    raw.write(jsonFrame({ token: tokenWith() }));
    await raw.nextMessage('connected');
    raw.write(jsonFrame({ type: 'ping', more: 'x'.repeat(1000 * KIB) }));

    await raw.nextMessage('pong');
  });

  it('is cut off where it answers a refusal by sending on', { timeout: 4000 }, async () => {
    const raw = await open('/ws/metrics?token=x');
    const closed = once(raw.peer, 'close');
    await raw.nextMessage('error');
    raw.write(Buffer.concat(Array.from({ length: 20_000 }, () => PING)));

    await closed;
  });

  it('has time to answer a refusal, and what it had sent before is no harm', async () => {
    const raw = await open('/ws/metrics?token=x');
    raw.write(jsonFrame({ type: 'subscribe', channels: ['x'.repeat(10 * KIB)] }));
    raw.write(closeFrame(4401));

    expect(await raw.end()).toMatchObject({ code: 4401 });
  });

  it('is gone 5 seconds later where it brings no token, and answers nothing', { timeout: 9000 }, async () => {
    const raw = await open('/ws/skills');
    const closed = once(raw.peer, 'close');

    expect(await raw.nextMessage('error')).toMatchObject({ message: 'Invalid authentication token' });
    await closed;
    expect(await raw.end()).toMatchObject({ code: 4401 });
  });
});

it(
  `of ${MAX_OWING} who owe a token the first one goes where one more comes, and that one is let in`,
  { timeout: 20_000 },
  async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const open = () => WireClient.open(app.url('/ws/skills', 'ws'));
    const [first, second] = [await open(), await open()];
    const others: WireClient[] = [];
    // A few at a time: all of them have to come within the 5 seconds that each has.
    while (others.length < MAX_OWING - 2) {
      others.push(...(await Promise.all(Array.from({ length: Math.min(100, MAX_OWING - 2 - others.length) }, open))));
    }
    expect(first.socket.readyState).toBe(first.socket.OPEN);
    const last = await open();

    expect(await first.next()).toMatchObject({ type: 'error', message: 'Too many connections' });
    expect(await first.closed).toMatchObject({ code: 4429 });
    for (const client of [last, second]) {
      client.send({ token: new TestTenant(app).token() });
      expect(await client.next()).toMatchObject({ type: 'connected' });
    }
    for (const { socket } of [second, last, ...others]) socket.terminate();
    await app.close();
  },
);
