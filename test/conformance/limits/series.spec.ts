import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const CHANNEL = 'orders.metrics';
const value = (shop: string, fields: Record<string, unknown> = {}) => gauge(CHANNEL, { tags: { shop }, ...fields });
const rejection = (index: number, limit: number) => ({
  index,
  field: 'tags',
  message: `would begin a new series, and there are at most ${limit} series a tenant`,
});

describe("a tenant's limit of series", () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const limit = (series: number) => changeSettings(app, tenant, { limits: { max_series: series } });
  const record = async (...items: unknown[]) => {
    const { status, body } = await tenant.record('metrics', items);
    return { status, ...body };
  };

  it('rejects the values that would begin one too many, and takes the others of that request', async () => {
    await limit(2);

    expect(await record(value('a'), value('b'), value('c'), { channel: 7 }, value('a'), value('c'))).toEqual({
      status: 202,
      accepted: 3,
      rejected: [
        rejection(2, 2),
        { index: 3, field: 'channel', message: expect.any(String) as string },
        rejection(5, 2),
      ],
    });
  });

  it('answers 400 where nothing has room', async () => {
    await limit(1);
    await record(value('a'));

    expect(await record(value('b'))).toMatchObject({
      status: 400,
      errors: [{ field: '0.tags', message: rejection(0, 1).message }],
    });
  });

  it('lets those that exist go on, and live values with them', async () => {
    await limit(1);
    await record(value('a'));
    const client = await tenant.watch();
    await client.subscribe([CHANNEL]);
    await record(value('b', { value: 8 }), value('a', { value: 9 }));

    expect(await client.next({ name: 'level' })).toMatchObject({ value: 9, tags: { shop: 'a' } });
    await client.close();
  });

  it('counts what makes a series another: its channel, its name, its type, its tags', async () => {
    await limit(1);
    await record(value('a'));
    const others = [
      gauge('other.metrics', { tags: { shop: 'a' } }),
      value('a', { name: 'other' }),
      value('a', { type: 'counter' }),
      gauge(CHANNEL),
      value('a', { tags: { shop: 'a', till: '1' } }),
    ];

    expect(await record(value('a'), ...others)).toMatchObject({ accepted: 1, rejected: { length: 5 } });
  });

  it('takes no id of what is rejected: with room, it can be sent again', async () => {
    await limit(1);
    await record(value('a'));
    expect(await record(value('b', { id: 'one' }), value('a'))).toMatchObject({ rejected: [rejection(0, 1)] });
    await limit(2);

    expect(await record(value('b', { id: 'one', value: 5 }))).toMatchObject({ accepted: 1, rejected: [] });
    expect(await record(value('b', { id: 'one', value: 6 }))).toMatchObject({ accepted: 1, rejected: [] });
  });

  it('brings no channel into being by what is rejected', async () => {
    await limit(1);
    await record(value('a'));
    await record(value('a'), gauge('never.metrics'));
    const client = await tenant.watch();

    expect(await client.subscribe(['never.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await client.close();
  });

  it('is kept to by requests that come at once, which are committed together', async () => {
    await limit(10);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) => tenant.record('metrics', [value(`shop ${at}`), value('common')])),
    );
    const accepted = answers.map(({ body }) => body['accepted'] as number);

    expect(accepted.reduce((sum, count) => sum + count)).toBe(30 + 9);
  });

  it('is of one tenant, 0 for none, and 10,000 where nothing is set', async () => {
    await limit(1);
    await record(value('a'));
    const other = new TestTenant(app);
    const many = (count: number, from = 0) => Array.from({ length: count }, (_, at) => value(`shop ${from + at}`));

    expect((await other.record('metrics', many(9999))).body).toEqual({ accepted: 9999, rejected: [] });
    expect((await other.record('metrics', many(3, 9999))).body).toEqual({
      accepted: 1,
      rejected: [rejection(1, 10_000), rejection(2, 10_000)],
    });
    await changeSettings(app, other, { limits: { max_series: 0 } });
    expect((await other.record('metrics', many(3, 9999))).body).toEqual({ accepted: 3, rejected: [] });
  });
});
