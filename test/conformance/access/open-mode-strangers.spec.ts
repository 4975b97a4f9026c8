import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { WireClient } from '../../support/wire-client.js';

const STRANGERS: { what: string; headers: Record<string, string> }[] = [
  { what: 'a page from elsewhere', headers: { origin: 'https://evil.example' } },
  { what: 'a page whose name begins like this machine', headers: { origin: 'http://localhost.evil.example' } },
  { what: 'a page without an origin of its own', headers: { origin: 'null' } },
  { what: 'a name that leads here', headers: { host: 'evil.example' } },
  { what: 'somebody behind a proxy', headers: { 'x-forwarded-for': '203.0.113.7' } },
];

describe('a server on loopback without a key', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  it.each(STRANGERS)('turns away $what', async ({ headers }) => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'), { headers });

    expect(await client.next()).toMatchObject({ type: 'error', message: expect.stringContaining('Not allowed') });
    expect(await client.closed).toMatchObject({ code: 4403 });
  });

  it('turns them away from recording too', async () => {
    const answer = await app.post(
      '/ingest/skills',
      { skill_name: 'lint', completed: true },
      { 'x-forwarded-for': '::1' },
    );

    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it.each(['http://localhost:5173', 'http://127.0.0.1:3000', 'http://[::1]:3000'])(
    'serves a page of this machine: %s',
    async (origin) => {
      const client = await WireClient.open(app.url('/ws/skills', 'ws'), { origin });

      expect(await client.next()).toMatchObject({ type: 'connected' });
      await client.close();
    },
  );
});

describe('a server with a key', () => {
  it.each(STRANGERS)('takes $what by the token', async ({ headers }) => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const client = await WireClient.open(app.url(`/ws/skills?token=${tokenWith()}`, 'ws'), { headers });

    expect(await client.next()).toMatchObject({ type: 'connected', authenticated: true });
    await client.close();
    await app.close();
  });
});
