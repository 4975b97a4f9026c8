import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApp, tokenWith, SECRET } from '../../support/app.js';
import { WireClient } from '../../support/wire-client.js';

const GREETINGS = { channels: 'welcome', skills: 'connected' } as const;

describe('the dialect of a connection', () => {
  let app: TestApp;
  let keyed: TestApp;
  let moved: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
    keyed = await TestApp.start({ auth: { secret: SECRET } });
    moved = await TestApp.start({ endpoints: { '/': 'skills', '/live/v1': 'channels' } });
  });
  afterAll(() => Promise.all([app.close(), keyed.close(), moved.close()]));

  const greetingOf = async (url: string, protocols: string[] = []) => {
    const client = await WireClient.open(url, { protocols });
    const { type } = await client.next();
    await client.close();
    return { type, protocol: client.socket.protocol };
  };

  it.each([
    { path: '/ws/metrics', dialect: 'channels' },
    { path: '/ws/skills', dialect: 'skills' },
    { path: '/ws/metrics/', dialect: 'channels' },
    { path: '/ws/metrics?dialect=skills', dialect: 'skills' },
    { path: '/ws/skills?dialect=channels', dialect: 'channels' },
    { path: '/ws/skills?x=1&dialect=skills', dialect: 'skills' },
  ] as const)('is $dialect on $path', async ({ path, dialect }) => {
    expect(await greetingOf(app.url(path, 'ws'))).toEqual({ type: GREETINGS[dialect], protocol: '' });
  });

  it.each([
    { path: '/ws/metrics', protocols: ['metricast.skills'], dialect: 'skills' },
    { path: '/ws/skills?dialect=skills', protocols: ['metricast.channels'], dialect: 'channels' },
    { path: '/ws/metrics', protocols: ['graphql-ws', 'metricast.skills'], dialect: 'skills' },
    {
      path: '/ws/metrics',
      protocols: ['metricast.nothing', 'metricast.skills', 'metricast.channels'],
      dialect: 'skills',
    },
  ] as const)('is $dialect on $path with the subprotocols $protocols, one of which is confirmed', async (choice) => {
    expect(await greetingOf(app.url(choice.path, 'ws'), [...choice.protocols])).toEqual({
      type: GREETINGS[choice.dialect],
      protocol: `metricast.${choice.dialect}`,
    });
  });

  it('is confirmed rather than the token where both came as subprotocols', async () => {
    const greeting = await greetingOf(keyed.url('/ws/metrics', 'ws'), [`bearer.${tokenWith()}`, 'metricast.skills']);

    expect(greeting).toEqual({ type: 'connected', protocol: 'metricast.skills' });
  });

  it('decides the words of a refusal, too', async () => {
    const client = await WireClient.open(keyed.url('/ws/metrics?dialect=skills&token=garbage', 'ws'));

    expect(await client.next()).toEqual({
      type: 'error',
      message: 'Invalid authentication token',
      timestamp: expect.any(String) as string,
    });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  it.each(['nothing', '', 'constructor', '__proto__', 'SKILLS'])('cannot be "%s" by query: 400', async (dialect) => {
    expect(await WireClient.refusedWith(app.url(`/ws/metrics?dialect=${dialect}`, 'ws'))).toBe(400);
  });

  it.each(['/', '/ws/nothing', '/ws/metrics/more', '/WS/METRICS', '/health', '/ingest/skills', '//ws/metrics'])(
    'does not matter on the path %s, which is none of its endpoints: 404',
    async (path) => {
      expect(await WireClient.refusedWith(app.url(path, 'ws'))).toBe(404);
    },
  );

  it('is that of the configured table, which replaces the paths by default', async () => {
    expect(await greetingOf(moved.url('/', 'ws'))).toMatchObject({ type: 'connected' });
    expect(await greetingOf(moved.url('/live/v1', 'ws'))).toMatchObject({ type: 'welcome' });
    expect(await WireClient.refusedWith(moved.url('/ws/metrics', 'ws'))).toBe(404);
  });
});
