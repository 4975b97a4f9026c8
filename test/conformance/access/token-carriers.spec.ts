import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { WireClient } from '../../support/wire-client.js';

const BAD = 'not.a.token';

describe.each([
  { dialect: 'channels', path: '/ws/metrics', greeting: 'welcome' },
  { dialect: 'skills', path: '/ws/skills', greeting: 'connected' },
])('the token of a $dialect client', ({ path, greeting }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  const open = (query = '', options: Parameters<typeof WireClient.open>[1] = {}) =>
    WireClient.open(app.url(`${path}${query}`, 'ws'), options);
  const greeted = async (client: WireClient) => {
    expect(await client.next()).toMatchObject({ type: greeting });
    await client.close();
  };
  const refused = async (client: WireClient) => {
    expect(await client.next()).toMatchObject({ type: 'error', message: 'Invalid authentication token' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  };
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

  it('may come in the Authorization header', async () => {
    await greeted(await open('', bearer(tokenWith())));
  });

  it('may name its scheme in any case', async () => {
    await greeted(await open('', { headers: { authorization: `bEARER  ${tokenWith()}` } }));
  });

  it('may come as a subprotocol, which is confirmed', async () => {
    const token = tokenWith();
    const client = await open('', { protocols: [`bearer.${token}`] });

    expect(client.socket.protocol).toBe(`bearer.${token}`);
    await greeted(client);
  });

  it('may come in the query', async () => {
    await greeted(await open(`?token=${tokenWith()}`));
  });

  it('is the one of the header, whatever the others are', async () => {
    await greeted(await open(`?token=${BAD}`, { ...bearer(tokenWith()), protocols: [`bearer.${BAD}`] }));
    await refused(await open(`?token=${tokenWith()}`, { ...bearer(BAD), protocols: [`bearer.${tokenWith()}`] }));
  });

  it('is the one of the subprotocol before that of the query', async () => {
    await greeted(await open(`?token=${BAD}`, { protocols: [`bearer.${tokenWith()}`] }));
    await refused(await open(`?token=${tokenWith()}`, { protocols: [`bearer.${BAD}`] }));
  });

  it.each([
    { where: 'an empty query parameter', query: '?token=' },
    { where: 'another scheme of the header', headers: { authorization: 'Basic YWRhOmx1Y2s=' } },
    { where: 'a header without a scheme', headers: { authorization: tokenWith() } },
    { where: 'an empty subprotocol entry', protocols: ['bearer.'] },
    { where: 'the first of two query parameters', query: `?token=${BAD}&token=${tokenWith()}` },
  ])('is refused in $where', async ({ query, headers, protocols }) => {
    await refused(await open(query, { ...(headers && { headers }), ...(protocols && { protocols }) }));
  });
});
