import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../support/app.js';
import { Bystander } from '../support/bystander.js';
import { RawHttp } from '../support/raw-http.js';
import { TestTenant } from '../support/test-tenant.js';

/** In whatever is wrong; no answer may hold it. */
const MARK = 'm4rk';
const RIGHT = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

interface Handshake {
  readonly what: string;
  readonly request?: string;
  /** In place of the right ones; undefined: none. */
  readonly headers?: Record<string, string | undefined>;
  readonly status: number;
}

const WRONG: readonly Handshake[] = [
  { what: 'of another method', request: 'POST /ws/metrics HTTP/1.1', status: 405 },
  { what: 'of another version', headers: { 'Sec-WebSocket-Version': '12' }, status: 400 },
  { what: 'of a version that is none', headers: { 'Sec-WebSocket-Version': MARK }, status: 400 },
  { what: 'without a version', headers: { 'Sec-WebSocket-Version': undefined }, status: 400 },
  { what: 'without a key', headers: { 'Sec-WebSocket-Key': undefined }, status: 400 },
  { what: 'with a key that is none', headers: { 'Sec-WebSocket-Key': MARK }, status: 400 },
  { what: 'with a key of 10,000 characters', headers: { 'Sec-WebSocket-Key': MARK.padEnd(10_000) }, status: 400 },
  { what: 'with subprotocols that are none', headers: { 'Sec-WebSocket-Protocol': `${MARK} ${MARK}` }, status: 400 },
  { what: 'with a subprotocol twice', headers: { 'Sec-WebSocket-Protocol': `${MARK},${MARK}` }, status: 400 },
  { what: 'to another protocol', headers: { Upgrade: MARK }, status: 400 },
  { what: 'to two protocols', headers: { Upgrade: `websocket, ${MARK}` }, status: 400 },
  { what: 'with a header of 20,000 characters', headers: { 'X-Other': MARK.padEnd(20_000, 'x') }, status: 431 },
  ...[
    `http://${MARK}/ws/metrics`,
    `http://[${MARK}/ws/metrics`,
    `//${MARK}/ws/metrics`,
    `/ws/metrics/../${MARK}`,
    `/ws%2fmetrics`,
    `/WS/metrics`,
    `/ws/metrics#${MARK}`,
    `/ws/metrics\\${MARK}`,
    `/ws/metrics%00`,
    `/__proto__`,
    `/ws/constructor`,
  ].map((path) => ({ what: `on ${path}`, request: `GET ${path} HTTP/1.1`, status: 404 })),
];

describe.each<Platform>(['express', 'fastify'])('a handshake on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let bystander: Bystander;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, compression: true }, platform);
    tenant = new TestTenant(app);
    bystander = await Bystander.on(app, tenant);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const send = async ({ request = 'GET /ws/metrics HTTP/1.1', headers = {} }: Partial<Handshake>) => {
    const raw = await RawHttp.open(app.port);
    const all = { ...RIGHT, Authorization: `Bearer ${tenant.token()}`, ...headers };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    raw.send(request, ...lines);
    return raw;
  };

  it.each(WRONG)('$what is answered $status, and ended', async (handshake) => {
    const raw = await send(handshake);
    await raw.closed;

    expect(raw.received).toMatch(new RegExp(`^HTTP/1.1 ${handshake.status} `));
    expect(raw.received).not.toContain(MARK);
  });

  it.each([
    { what: 'with extensions that are none', headers: { 'Sec-WebSocket-Extensions': ';;;,,=' } },
    { what: 'with an extension that nobody knows', headers: { 'Sec-WebSocket-Extensions': MARK } },
    { what: 'with a query that cannot be decoded', request: 'GET /ws/metrics?token=%zz&%=%ff HTTP/1.1' },
    { what: 'with a slash at its end', request: 'GET /ws/metrics/ HTTP/1.1' },
  ])('$what opens a connection as without', async (handshake) => {
    const raw = await send(handshake);
    await raw.until('"welcome"');

    expect(raw.received).toMatch(/^HTTP\/1.1 101 /);
    expect(raw.received).not.toContain(MARK);
    raw.close();
  });
});
