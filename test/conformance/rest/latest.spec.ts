import { hostname } from 'node:os';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { NOT_FOUND, RestReader } from '../../support/rest-reader.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])('GET /channels/:channel/latest on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  const latest = (channel: string, asked = reader) => asked.get(`/channels/${channel}/latest`);

  it.each([
    { channel: 'orders.metrics', what: 'metrics', item: gauge('orders.metrics', { tags: { shop: 'n"ö', env: 'x' } }) },
    { channel: 'orders.metrics', what: 'metrics', item: gauge('orders.metrics', { type: 'counter', value: 0.1 }) },
    { channel: 'alerts.events', what: 'alerts', item: { type: 'disk', message: 'full', priority: 'high' } },
  ] as const)('of $channel is what a subscriber was sent, to the field', async ({ channel, what, item }) => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe([channel]);
    await tenant.record(what, [item, item]);
    const frames = [await client.nextOf(channel), await client.nextOf(channel)];

    const answer = await latest(channel);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(frames[1]);
    await client.close();
  });

  it('of a state is what a subscriber was sent last, to the field', async () => {
    await tenant.record('skills', run('lint', { duration_seconds: 2 }));
    const client = await tenant.watch();
    await client.subscribe(['skills.metrics']);
    const frame = await client.nextOf('skills.metrics');

    expect((await latest('skills.metrics')).body).toEqual(frame);
    expect(frame).toMatchObject({ top_skills: [{ skill_name: 'lint' }], offset: 1 });
    await client.close();
  });

  it('of a state that nobody watches is the state now', async () => {
    await tenant.record('skills', run('lint'));
    expect(await latest('skills.metrics')).toMatchObject({
      status: 200,
      body: { channel: 'skills.metrics', top_skills: [{ total_invocations: 1 }], offset: 0 },
    });

    await tenant.record('skills', run('lint'));
    expect((await latest('skills.metrics')).body).toMatchObject({ top_skills: [{ total_invocations: 2 }] });
  });

  it('is the newest by its timestamp, at one instant the one recorded last, with the position of the channel', async () => {
    const at = (value: number, timestamp: number, name = 'level') =>
      gauge('orders.metrics', { value, name, timestamp: 1_700_000_000 + timestamp });
    await tenant.record('metrics', [at(1, 5), at(2, 9), at(3, 9, 'other'), at(4, 7)]);

    expect((await latest('orders.metrics')).body).toEqual({
      channel: 'orders.metrics',
      name: 'other',
      type: 'gauge',
      value: 3,
      timestamp: '2023-11-14T22:13:29.000Z',
      tags: {},
      offset: 4,
    });
  });

  it.each([
    'nothing.metrics',
    'nothing.events',
    'alerts.events',
    'Orders.metrics',
    'orders',
    '%00',
    '__proto__',
    'x'.repeat(90) + '.metrics',
    encodeURIComponent("orders.metrics' OR '1'='1"),
  ])('is not found where there is no such channel, or nothing in it: %s', async (channel) => {
    expect(await latest(channel)).toMatchObject(NOT_FOUND);
  });

  it("is not found in another tenant's channel", async () => {
    const other = new TestTenant(app);
    await other.create('orders.metrics');
    await other.record('alerts', { type: 'disk', message: 'full', priority: 'low' });

    for (const channel of ['orders.metrics', 'alerts.events']) expect(await latest(channel)).toMatchObject(NOT_FOUND);
  });

  it('for a token with a filter is the newest that it lets through', async () => {
    const tagged = (shop: string, value: number) => gauge('orders.metrics', { value, tags: { shop } });
    await tenant.record('metrics', [tagged('north', 1), tagged('south', 2), tagged('west', 3)]);
    await tenant.record('alerts', [
      { type: 'disk', message: 'first', priority: 'high' },
      { type: 'disk', message: 'second', priority: 'low' },
    ]);
    await tenant.record('skills', [run('lint'), run('build')]);
    const of = (channel: string, filter: object) => latest(channel, new RestReader(app, tenant, { filter }));

    expect((await of('orders.metrics', { shop: ['north', 'south'] })).body).toMatchObject({ value: 2 });
    expect(await of('orders.metrics', { shop: 'east' })).toMatchObject(NOT_FOUND);
    expect(await of('orders.metrics', { shop: 'north', env: 'x' })).toMatchObject(NOT_FOUND);
    expect((await of('alerts.events', { priority: 'high' })).body).toMatchObject({ data: { message: 'first' } });
    expect(await of('alerts.events', { priority: 'critical' })).toMatchObject(NOT_FOUND);
    expect((await of('skills.metrics', { skill_name: 'lint' })).body).toMatchObject({
      top_skills: [{ skill_name: 'lint' }],
    });
    expect((await of('skills.metrics', { skill_name: 'lint' })).body['top_skills']).toHaveLength(1);
    expect(await of('skills.metrics', { host: hostname() })).toMatchObject({ status: 200 });
    expect(await of('skills.metrics', { host: 'elsewhere' })).toMatchObject(NOT_FOUND);
  });

  it('of a state that cannot be collected is a 503 that says nothing of why', async () => {
    const rename = (from: string, to: string) =>
      app.app
        .get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false })
        .query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('metricast_skill', 'metricast_skill_away');
    const answer = await latest('skills.metrics');
    await rename('metricast_skill_away', 'metricast_skill');

    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ statusCode: 503, code: 'collect_failed', message: 'Failed to fetch metrics' });
    expect(await latest('skills.metrics')).toMatchObject({ status: 200 });
  });
});
