import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { Scratch } from '../../support/host.js';
import { RawHttp } from '../../support/raw-http.js';
import { ServerProcess } from '../../support/server-process.js';
import { TestTenant } from '../../support/test-tenant.js';
import { openTapped } from './tapped-client.js';

const RESPONSE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

describe('permessage-deflate is negotiated', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, compression: true });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** The answer to this offer, if the upgrade succeeds: the header, or undefined where the offer is declined. */
  const answerTo = async (...offers: string[]): Promise<string | undefined> => {
    const http = await RawHttp.open(app.port);
    onTestFinished(() => http.close());
    http.send(
      `GET /ws/metrics?token=${tenant.token()} HTTP/1.1`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...offers.map((offer) => `Sec-WebSocket-Extensions: ${offer}`),
    );
    expect(await http.until('"welcome"')).toMatch(/^HTTP\/1\.1 101 /);
    return /^sec-websocket-extensions: (.*)$/im.exec(http.parts[0])?.[1];
  };

  it.each([
    ['permessage-deflate', RESPONSE],
    ['permessage-deflate; client_max_window_bits', RESPONSE],
    ['permessage-deflate; client_max_window_bits=10', `${RESPONSE}; client_max_window_bits=10`],
    ['permessage-deflate; server_max_window_bits=12', `${RESPONSE}; server_max_window_bits=12`],
    ['permessage-deflate; server_max_window_bits=15', `${RESPONSE}; server_max_window_bits=15`],
    ['permessage-deflate; server_max_window_bits=9, permessage-deflate', RESPONSE],
    ['x-other, permessage-deflate', RESPONSE],
  ])('for %s', async (offer, response) => {
    const parameters = (header = '') => new Set(header.split('; '));

    expect(parameters(await answerTo(offer))).toEqual(parameters(response));
  });

  it('for an offer that stands in a header of its own', async () => {
    expect(await answerTo('x-other; a="b, c"', 'permessage-deflate')).toBe(RESPONSE);
  });

  it.each([
    ['a window narrower than that of shared frames', 'permessage-deflate; server_max_window_bits=11'],
    ['a window that cannot be', 'permessage-deflate; client_max_window_bits=99'],
    ['an unknown parameter', 'permessage-deflate; unknown'],
    ['another extension', 'x-webkit-deflate-frame'],
    ['what is no list of extensions', '; ,= "'],
  ])('not for %s, and the client is let in all the same', async (_what, offer) => {
    expect(await answerTo(offer)).toBeUndefined();
  });

  it('not for a client that does not offer it', async () => {
    expect(await answerTo()).toBeUndefined();
  });

  it('not where it is not known yet who offers it, because the token is still to come', async () => {
    const http = await RawHttp.open(app.port);
    onTestFinished(() => http.close());
    http.send(
      'GET /ws/skills HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Extensions: permessage-deflate',
    );
    const head = await http.until('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).not.toMatch(/sec-websocket-extensions/i);
  });

  it('not where the server does not have it turned on, which is the default', async () => {
    const usual = await TestApp.start();
    onTestFinished(() => usual.close());
    const { client, frames } = await openTapped(usual.url('/ws/metrics', 'ws'));
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });
    await client.next({ channel: 'system.metrics' });

    expect(client.socket.extensions).toBe('');
    expect(frames().some(({ isCompressed }) => isCompressed)).toBe(false);
  });

  it('by a server with WS_COMPRESSION=true', { timeout: 60_000 }, async () => {
    const scratch = new Scratch();
    onTestFinished(() => scratch.remove());
    const server = await ServerProcess.up({ WS_COMPRESSION: 'true' }, scratch.directory);
    onTestFinished(() => server.stop());
    const { client, frames } = await openTapped(server.url('/ws/metrics', 'ws'));
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });
    await client.next({ channel: 'system.metrics' });

    expect(frames().some(({ isCompressed }) => isCompressed)).toBe(true);
    expect(server.stdout).not.toContain('has no effect');
  });

  it('or not, but is nothing in between: a server does not start with anything else', { timeout: 60_000 }, async () => {
    const scratch = new Scratch();
    onTestFinished(() => scratch.remove());
    const server = ServerProcess.run({ WS_COMPRESSION: 'yes' }, scratch.directory);

    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stderr).toContain('WS_COMPRESSION was "yes": it must be true or false');
    await expect(TestApp.start({ compression: 'yes' as never })).rejects.toThrow(
      'Metricast option compression: it must be true or false',
    );
  });
});
