import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, run } from '../../support/test-tenant.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const TAGS = { env: 'test', host: hostname(), instance: expect.stringMatching(/.+/) as string };
/** What cannot be known on a machine is null there, and never left out. */
const NUMBER_OR_NULL = expect.toSatisfy((value) => value === null || Number.isFinite(value)) as number;

describe.each(ENCODINGS)('collected states over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, tags: { env: 'test' } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  it('of system.metrics show the machine, in one message', async () => {
    await client.subscribe(['system.metrics']);

    const space = { total: NUMBER_OR_NULL, used: NUMBER_OR_NULL, percent: NUMBER_OR_NULL };
    expect(await client.next()).toEqual({
      channel: 'system.metrics',
      timestamp: ISO,
      tags: TAGS,
      cpu: { percent: NUMBER_OR_NULL, count: expect.any(Number) as number, frequency: NUMBER_OR_NULL },
      memory: space,
      disk: space,
      network: { bytes_sent: NUMBER_OR_NULL, bytes_recv: NUMBER_OR_NULL },
      process: {
        cpu_percent: NUMBER_OR_NULL,
        memory_rss: expect.any(Number) as number,
        heap_used: expect.any(Number) as number,
        uptime_seconds: expect.any(Number) as number,
        event_loop_lag_ms: NUMBER_OR_NULL,
      },
      offset: 1,
    });
  });

  it('of system.metrics come as a message for each metric where points are asked for', async () => {
    await client.subscribe(['system.metrics'], { format: 'points' });

    const points = await Promise.all(['cpu', 'memory', 'disk'].map((part) => client.next({ name: `${part}.percent` })));

    for (const point of points) {
      expect(point).toEqual({
        channel: 'system.metrics',
        name: expect.any(String) as string,
        type: 'gauge',
        value: expect.any(Number) as number,
        timestamp: ISO,
        tags: TAGS,
        offset: points[0]!['offset'],
      });
    }
    expect(await client.next({ name: 'network.bytes_sent' })).toMatchObject({ type: 'counter' });
    expect(await client.next({ name: 'network.bytes_recv' })).toMatchObject({ type: 'counter' });
  });

  it('of skills.metrics show the skills, in one message', async () => {
    await tenant.record('skills', [run('lint', { duration_seconds: 2 }), run('lint', { completed: false })]);
    await client.subscribe(['skills.metrics']);

    expect(await client.next()).toEqual({
      channel: 'skills.metrics',
      timestamp: ISO,
      tags: TAGS,
      top_skills: [{ skill_name: 'lint', total_invocations: 2, completion_rate: 50, avg_duration_seconds: 2 }],
      anomalies: [],
      offset: 1,
    });
  });

  it('of skills.metrics come as a message for each figure of each skill where points are asked for', async () => {
    await tenant.record('skills', [run('lint', { duration_seconds: 2 }), run('test')]);
    await client.subscribe(['skills.metrics'], { format: 'points' });

    const points = [
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
    ];

    const lint = { channel: 'skills.metrics', timestamp: ISO, tags: { ...TAGS, skill_name: 'lint' }, offset: 1 };
    const test = { ...lint, tags: { ...TAGS, skill_name: 'test' } };
    expect(points).toEqual([
      { ...lint, name: 'skill.invocations', type: 'counter', value: 1 },
      { ...lint, name: 'skill.completion_rate', type: 'gauge', value: 100 },
      { ...lint, name: 'skill.duration.avg', type: 'gauge', value: 2 },
      { ...test, name: 'skill.invocations', type: 'counter', value: 1 },
      { ...test, name: 'skill.completion_rate', type: 'gauge', value: 100 },
      // No duration of `test` is known, so it has no point.
    ]);
  });

  it('of skills.metrics can be narrowed to skills by the tag skill_name', async () => {
    await tenant.record('skills', [run('lint'), run('test'), run('build')]);
    await client.subscribe(['skills.metrics'], { tags: { skill_name: ['test', 'lint', 'never ran'] } });

    const { top_skills } = await client.next();

    expect((top_skills as { skill_name: string }[]).map(({ skill_name }) => skill_name)).toEqual(['lint', 'test']);
  });

  it('can be had in both formats at once by two clients, of the same instant and number', async () => {
    await tenant.record('skills', run('lint'));
    const other = await tenant.watch(encoding);
    await client.subscribe(['skills.metrics']);
    await other.subscribe(['skills.metrics'], { format: 'points' });
    const point = await other.next({ name: 'skill.invocations' });

    const snapshot = await client.next({ offset: point['offset'] });

    expect(snapshot['timestamp']).toBe(point['timestamp']);
    expect(snapshot).not.toHaveProperty('name');
    await other.close();
  });

  it('are the very same for all who want the same', async () => {
    const other = await tenant.watch(encoding);
    await client.subscribe(['system.metrics']);
    await other.subscribe(['system.metrics']);
    const one = await other.next();

    expect(await client.next({ offset: one['offset'] })).toEqual(one);
    await other.close();
  });

  it('come again and again, numbered without a gap', async () => {
    await client.subscribe(['skills.metrics']);

    const offsets = [await client.next(), await client.next(), await client.next()].map(({ offset }) => offset);

    expect(offsets).toEqual([1, 2, 3]);
  });

  it('take the format of the newest subscribe', async () => {
    await tenant.record('skills', run('lint'));
    await client.subscribe(['skills.metrics'], { format: 'points' });
    await client.next({ name: 'skill.invocations' });
    await client.subscribe(['skills.metrics'], { format: 'snapshot' });

    expect(await client.next()).toHaveProperty('top_skills');
  });

  it('and recorded values of one channel are numbered together', async () => {
    await client.subscribe(['system.metrics']);
    const { offset } = await client.next();
    await tenant.record('metrics', { channel: 'system.metrics', name: 'fan', type: 'gauge', value: 900 });

    const { offset: next } = await client.next({ name: 'fan' });

    expect(next).toBeGreaterThan(offset as number);
    expect(await client.next()).toMatchObject({ offset: (next as number) + 1 });
  });

  it.each(['xml', 'Points', 1, true])('are refused in the format %j', async (format) => {
    expect(await client.subscribe(['system.metrics'], { format })).toMatchObject({
      type: 'error',
      code: 'bad_subscription',
      message: 'Subscription error: format must be "snapshot" or "points"',
    });
  });
});
