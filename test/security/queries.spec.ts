import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { RestClient } from '../support/rest-client.js';
import { SseClient } from '../support/sse-client.js';
import { TestTenant, gauge, run } from '../support/test-tenant.js';

/** Somewhere in each, so that an answer can be searched for it. */
const MARK = 'metricast_skill';
const SQL = [
  `1; DROP TABLE ${MARK}; --`,
  `1' OR '1'='1' -- ${MARK}`,
  `1" OR "1"="1" -- ${MARK}`,
  `1) UNION SELECT tenant_id, 1, 1 FROM ${MARK} --`,
  `(SELECT COUNT(*) FROM ${MARK})`,
  `CASE WHEN 1=1 THEN 1 ELSE ${MARK} END`,
  `1/*${MARK}*/`,
  `$1::${MARK}`,
  `:tenant ${MARK}`,
];
const LISTS = [
  '/skills',
  '/skills/lint/anomalies',
  '/channels',
  '/admin/tenants',
  '/admin/profiles',
  '/admin/audit',
  '/admin/connections',
];
/** As a cursor is written: JSON in base64url. */
const cursorOf = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');

describe('a query', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, maxRequestsPerMinute: 0 });
    tenant = new TestTenant(app);
    const other = new TestTenant(app);
    for (const one of [tenant, other]) {
      await one.record('skills', [run('lint'), run(`of ${one.id}`)]);
      await one.record('metrics', gauge('orders.metrics', { tags: { shop: one.id } }));
    }
    reader = new RestClient(app, { tenant_id: tenant.id, roles: ['operator'] });
  });
  afterAll(() => app.close());

  describe.each(LISTS)('of GET %s', (path) => {
    it.each(['limit', 'cursor'])('with SQL as its %s is answered 400, without a word of it', async (parameter) => {
      for (const text of SQL) {
        for (const value of parameter === 'cursor' ? [text, cursorOf(text), cursorOf([text, text])] : [text]) {
          const answer = await reader.get(`${path}?${parameter}=${encodeURIComponent(value)}`);

          expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request', errors: [{ field: parameter }] } });
          expect(JSON.stringify(answer.body)).not.toContain(MARK);
        }
      }
    });

    it('with SQL in parameters that there are not is answered as without', async () => {
      const { body } = await reader.get(path);
      for (const text of SQL) {
        const word = encodeURIComponent(text);
        const query = ['sort', 'order', 'order_by', 'interval', 'tags', 'filter', 'fields', 'where', text]
          .map((name) => `${encodeURIComponent(name)}=${word}`)
          .join('&');

        expect((await reader.get(`${path}?${query}`)).body).toEqual(body);
      }
    });

    it.each(['limit=1&limit=2', 'limit=1&limit=1', 'cursor=WzEsMV0&cursor=WzEsMV0'])(
      'that says something twice is answered 400: %s',
      async (query) => {
        expect(await reader.get(`${path}?${query}`)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
      },
    );

    it.each([`limit=${'1'.repeat(5000)}`, 'limit=0x10', 'limit=1e2', 'limit=%00', 'limit=NaN', 'cursor=%00'])(
      'with what is no number and no cursor is answered 400: %.20s',
      async (query) => {
        expect(await reader.get(`${path}?${query}`)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
      },
    );

    it('with a cursor that means something to JavaScript, or nothing to a database, is no failure', async () => {
      const keys = [
        { ['__proto__']: 1 },
        ['__proto__', 1],
        Number.MAX_SAFE_INTEGER,
        [2 ** 53 - 1, 'x'],
        [1e308, 1],
        null,
      ];
      const deep = Buffer.from(`${'['.repeat(2000)}${']'.repeat(2000)}`).toString('base64url');
      for (const cursor of [...keys.map(cursorOf), deep]) {
        expect([200, 400]).toContain((await reader.get(`${path}?cursor=${cursor}`)).status);
      }
    });
  });

  it.each(SQL)('for a skill named %s finds none, and one that has that name', async (text) => {
    const path = `/skills/${encodeURIComponent(text)}`;
    expect((await reader.get(path)).status).toBe(404);
    await tenant.record('skills', run(text));

    expect((await reader.get(path)).body).toMatchObject({ skill_name: text, total_invocations: 1 });
  });

  it.each(SQL)('for tags of %s shows what has them, and nothing else', async (text) => {
    const query = new URLSearchParams({
      dialect: 'channels',
      channels: 'orders.metrics',
      tags: JSON.stringify({ shop: text }),
    });
    const stream = await tenant.stream(query.toString());
    await stream.next({ type: 'subscribed' });
    const latest = () =>
      new RestClient(app, { tenant_id: tenant.id, filter: { shop: text } }).get('/channels/orders.metrics/latest');
    expect((await latest()).status).toBe(404);
    await tenant.record('metrics', [
      gauge('orders.metrics', { tags: { shop: 'another' } }),
      gauge('orders.metrics', { tags: { shop: text }, value: 7 }),
    ]);

    expect((await stream.next()).message).toMatchObject({ value: 7, tags: { shop: text } });
    expect((await latest()).body).toMatchObject({ value: 7 });
    await stream.close();
  });

  it.each(SQL)('with the tags %s as they stand is an error in the stream, without a word of it', async (text) => {
    const stream = await tenant.stream(
      new URLSearchParams({ dialect: 'channels', channels: 'orders.metrics', tags: text }).toString(),
    );

    expect((await stream.nextOf('error')).message).toMatchObject({ code: 'bad_subscription' });
    expect(stream.raw).not.toContain(MARK);
    await stream.close();
  });

  it('with a dialect twice is of the first, with a token twice checks the first', async () => {
    const address = `/stream/metrics?dialect=skills&dialect=routing`;
    const stream = await SseClient.open(app.url(`${address}&token=${tenant.token()}&token=nonsense`));

    expect((await stream.next()).message).toMatchObject({ type: 'connected' });
    expect(await SseClient.refusal(app.url(`${address}&token=nonsense&token=${tenant.token()}`))).toMatchObject({
      status: 401,
    });
    await stream.close();
  });

  it('has left all that was stored as it was', async () => {
    const { body } = await reader.get('/skills/lint');

    expect(body).toMatchObject({ skill_name: 'lint', total_invocations: 1 });
    expect((await reader.get('/admin/tenants')).status).toBe(200);
  });
});
