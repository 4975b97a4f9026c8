import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, completion, usage } from '../../support/test-tenant.js';
import type { WireClient, WireMessage } from '../../support/wire-client.js';

type Section = Record<string, Record<string, number | null>>;

/** Every total tells by its digits whose it is: ones are of claude-code in s1, tens of it in s2, … */
const OWNERS = [
  { count: 1, whose: { tool_id: 'claude-code', session_id: 's1' } },
  { count: 10, whose: { tool_id: 'claude-code', session_id: 's2' } },
  { count: 100, whose: { tool_id: 'cursor', session_id: 's1' } },
  { count: 1000, whose: { tool_id: 'cursor' } },
];
const WORK = OWNERS.flatMap(({ count, whose }) => [
  usage({ ...whose, count, cache_hits: count }),
  usage({ ...whose, kind: 'compression', count, original_tokens: 4 * count, tokens_saved: count }),
  usage({ ...whose, kind: 'response_cache', hits: count, misses: 0 }),
]);

const NARROWINGS: { narrowing: Record<string, string>; total: number }[] = [
  { narrowing: {}, total: 1111 },
  { narrowing: { tool_id: 'claude-code' }, total: 11 },
  { narrowing: { tool_id: 'cursor' }, total: 1100 },
  { narrowing: { session_id: 's1' }, total: 101 },
  { narrowing: { session_id: 's2' }, total: 10 },
  { narrowing: { tool_id: 'claude-code', session_id: 's1' }, total: 1 },
  { narrowing: { tool_id: 'cursor', session_id: 's1' }, total: 100 },
  { narrowing: { tool_id: 'cursor', session_id: 's2' }, total: 0 },
  { narrowing: { tool_id: 'Cursor' }, total: 0 },
  { narrowing: { tool_id: '%' }, total: 0 },
];

describe('the filter of the tools dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    tenant = new TestTenant(app);
    await tenant.record('usage', WORK);
  });
  afterAll(() => app.close());

  it.each(NARROWINGS)('by the address $narrowing has totals of just that', async ({ narrowing, total }) => {
    const client = await tenant.watchTools(new URLSearchParams(narrowing).toString());
    const first = await client.next({ type: 'metrics' });
    // Those of the ticks are no others.
    const next = await client.next({ type: 'metrics' });
    await client.close();

    for (const metrics of [first, next]) {
      expect(metrics).toMatchObject({ tool_id: null, session_id: null, ...narrowing });
      expect(totalsOf(metrics)).toEqual([total, total, total, total, total]);
    }
  });

  it('keeps tools apart in their workflows, too', async () => {
    const other = new TestTenant(app);
    await other.record('executions', [
      completion('a', { kind: 'workflow', tool_id: 'grep', session_id: 's1' }),
      completion('b', { kind: 'workflow', tool_id: 'sed', session_id: 's1' }),
      completion('c', { kind: 'workflow', tool_id: 'grep' }),
    ]);
    const workflowsOf = async (query: string) => {
      const client = await other.watchTools(query);
      const { data } = await client.next({ type: 'metrics' });
      await client.close();
      return (data as Record<string, Section>)['workflows']!['metrics']!['total'];
    };

    expect(await workflowsOf('')).toBe(3);
    expect(await workflowsOf('tool_id=grep')).toBe(2);
    expect(await workflowsOf('session_id=s1')).toBe(2);
    expect(await workflowsOf('tool_id=grep&session_id=s1')).toBe(1);
  });

  describe('by a subscribe', () => {
    let client: WireClient;
    beforeEach(async () => {
      client = await tenant.watchTools('tool_id=claude-code');
      await client.next({ type: 'metrics' });
      return () => client.close();
    });

    it.each(NARROWINGS)('$narrowing replaces the one before', async ({ narrowing, total }) => {
      client.send({ type: 'subscribe', ...narrowing });
      client.send({ type: 'ping' });
      await client.next({ type: 'pong' });
      // One that was collected for the filter before may have been on its way.
      const whole = { tool_id: null, session_id: null, ...narrowing };
      for (let update = 0; update < 3; update++) {
        const metrics = await client.next(update === 0 ? whole : {});
        expect(metrics).toMatchObject({ type: 'metrics', ...whole });
        expect(new Set(totalsOf(metrics))).toEqual(new Set([total]));
      }
    });

    it('takes null for none', async () => {
      client.send({ type: 'subscribe', tool_id: null, session_id: 's1' });

      expect(totalsOf(await client.next({ session_id: 's1' }))[0]).toBe(101);
    });

    it.each(
      ['tool_id', 'session_id'].flatMap((name) =>
        ['', 'x'.repeat(201), 'a\nb', '\u202eevil', 7, true, [], ['cursor'], { a: 1 }].map((value) => ({
          name,
          value,
        })),
      ),
    )('with a $name of $value is an error; the filter stays, and the stream goes on', async ({ name, value }) => {
      client.send({ type: 'subscribe', tool_id: 'cursor', [name]: value });

      expect(await client.next({ type: 'error' })).toEqual({
        type: 'error',
        error: `Subscription error: ${name} must be a printable text of at most 200 characters, or null`,
        timestamp: expect.any(String) as string,
      });
      for (let update = 0; update < 2; update++) {
        const metrics = await client.next();
        expect(metrics).toMatchObject({ type: 'metrics', tool_id: 'claude-code' });
        expect(totalsOf(metrics)[0]).toBe(11);
      }
    });
  });

  it('of the token limits what its holder sees, and what a subscribe adds limits it further', async () => {
    const token = tenant.token({ filter: { tool_id: ['claude-code', 'nothing'] } });
    const client = await tenant.watchTools('', token);

    // Of several, none is the one.
    const metrics = await client.next({ type: 'metrics' });
    expect(metrics).toMatchObject({ tool_id: null, session_id: null });
    expect(totalsOf(metrics)[0]).toBe(11);
    client.send({ type: 'subscribe', session_id: 's2' });
    expect(totalsOf(await client.next({ session_id: 's2' }))[0]).toBe(10);
    client.send({ type: 'subscribe', tool_id: 'cursor' });
    client.send({ type: 'ping' });
    await client.next({ type: 'pong' });
    for (let update = 0; update < 2; update++) await client.next({ type: 'metrics' });
    expect(totalsOf(await client.next({ type: 'metrics' }))[0]).toBe(0);
    await client.close();
  });
});

function totalsOf({ data }: WireMessage): (number | null | undefined)[] {
  const { embeddings, compression, response_cache } = data as Record<string, Section>;
  return [
    embeddings!['mlx_metrics']!['total_embeddings'],
    embeddings!['mlx_metrics']!['cache_hits'],
    compression!['metrics']!['total_compressions'],
    compression!['metrics']!['total_tokens_saved'],
    response_cache!['metrics']!['hits'],
  ];
}
