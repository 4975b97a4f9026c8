import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { HttpStandIn } from '../../support/http-stand-in.js';
import { TestTenant, usage } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const TAGS = { host: hostname(), instance: expect.stringMatching(/.+/) as string };

const WORK = [
  usage({ tool_id: 'claude-code', session_id: 's1', count: 4, cache_hits: 1 }),
  usage({ tool_id: 'claude-code', session_id: 's2', count: 2 }),
  usage({ tool_id: 'cursor', session_id: 's1', count: 1, cache_hits: 1 }),
  usage({ tool_id: 'cursor', kind: 'compression', original_tokens: 1000, compressed_tokens: 320 }),
  usage({ tool_id: 'claude-code', kind: 'response_cache', hits: 1, misses: 2 }),
];

/** The next state that is as it is said here. */
async function stateLike(client: ChannelsClient, expected: WireMessage): Promise<WireMessage> {
  for (;;) {
    const state = await client.nextOf('tools.metrics');
    try {
      expect(state).toMatchObject(expected);
      return state;
    } catch {
      // An upstream service is asked while the first states go out.
    }
  }
}

describe.each(ENCODINGS)('tools.metrics over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  it('shows what tools did, a section for each kind of work, in one message', async () => {
    await tenant.record('usage', WORK);
    const run = { run_id: 'r', agent_id: 'a', kind: 'workflow' };
    await tenant.record('executions', [
      { ...run, status: 'completed' },
      { ...run, run_id: 'r2', status: 'failed' },
    ]);
    await client.subscribe(['tools.metrics']);

    expect(await client.next()).toEqual({
      channel: 'tools.metrics',
      timestamp: ISO,
      tags: TAGS,
      embeddings: {
        status: 'healthy',
        mlx_metrics: { total_embeddings: 7, cache_hits: 2, cache_hit_rate: 0.285714 },
      },
      compression: {
        status: 'healthy',
        metrics: { total_compressions: 1, total_tokens_saved: 680, overall_compression_ratio: 0.68 },
      },
      workflows: { status: 'healthy', metrics: { total: 2, successful: 1, failed: 1, success_rate: 0.5 } },
      response_cache: { status: 'healthy', metrics: { hits: 1, misses: 2, hit_rate: 0.333333 } },
      offset: 1,
    });
  });

  it('is there before anything was done, without rates', async () => {
    await client.subscribe(['tools.metrics']);

    expect(await client.next()).toMatchObject({
      embeddings: { mlx_metrics: { total_embeddings: 0, cache_hits: 0, cache_hit_rate: null } },
      compression: { metrics: { total_compressions: 0, total_tokens_saved: 0, overall_compression_ratio: null } },
      workflows: { metrics: { total: 0, successful: 0, failed: 0, success_rate: null } },
      response_cache: { metrics: { hits: 0, misses: 0, hit_rate: null } },
    });
  });

  it('can be narrowed to tools and sessions by their tags', async () => {
    await tenant.record('usage', WORK);
    const total = async (tags: Record<string, unknown>) => {
      const own = await tenant.watch(encoding);
      await own.subscribe(['tools.metrics'], { tags });
      const { embeddings } = await own.nextOf('tools.metrics');
      await own.close();
      return (embeddings as { mlx_metrics: { total_embeddings: number } }).mlx_metrics.total_embeddings;
    };

    expect(await total({ tool_id: 'claude-code' })).toBe(6);
    expect(await total({ session_id: 's1' })).toBe(5);
    expect(await total({ tool_id: 'claude-code', session_id: 's1' })).toBe(4);
    expect(await total({ tool_id: ['claude-code', 'cursor'], session_id: 's1' })).toBe(5);
    expect(await total({ tool_id: 'cursor', session_id: 's2' })).toBe(0);
  });

  it('is the sum over the tools that a token limits its holder to', async () => {
    await tenant.record('usage', [...WORK, usage({ tool_id: 'other', count: 100 })]);
    const limited = await tenant.watch(encoding, tenant.token({ filter: { tool_id: ['claude-code', 'cursor'] } }));
    await limited.subscribe(['tools.metrics']);
    expect(await limited.nextOf('tools.metrics')).toMatchObject({
      embeddings: { mlx_metrics: { total_embeddings: 7 } },
    });
    await limited.subscribe(['tools.metrics'], { tags: { tool_id: 'other' } });

    await stateLike(limited, { embeddings: { mlx_metrics: { total_embeddings: 0 } } });
    await limited.close();
  });

  it('comes as a message for each figure that is known where points are asked for', async () => {
    await tenant.record('usage', WORK);
    await client.subscribe(['tools.metrics'], { format: 'points' });
    const points: WireMessage[] = [];
    while (points.length < 12) points.push(await client.next());

    const common = { channel: 'tools.metrics', timestamp: ISO, tags: TAGS, offset: 1 };
    const counter = (name: string, value: number) => ({ ...common, name, type: 'counter', value });
    const gauge = (name: string, value: number) => ({ ...common, name, type: 'gauge', value });
    expect(points).toEqual([
      counter('embeddings.mlx_metrics.total_embeddings', 7),
      counter('embeddings.mlx_metrics.cache_hits', 2),
      gauge('embeddings.mlx_metrics.cache_hit_rate', 0.285714),
      counter('compression.metrics.total_compressions', 1),
      counter('compression.metrics.total_tokens_saved', 680),
      gauge('compression.metrics.overall_compression_ratio', 0.68),
      counter('workflows.metrics.total', 0),
      counter('workflows.metrics.successful', 0),
      counter('workflows.metrics.failed', 0),
      counter('response_cache.metrics.hits', 1),
      counter('response_cache.metrics.misses', 2),
      gauge('response_cache.metrics.hit_rate', 0.333333),
    ]);
  });
});

describe.each(ENCODINGS)('tools.metrics with upstream services, over %s', (encoding) => {
  let app: TestApp;
  let embeddings: HttpStandIn;
  beforeAll(async () => {
    embeddings = await HttpStandIn.start((_, response) =>
      response.end('{"mlx_metrics":{"total_embeddings":15234,"cache_hit_rate":0.817},"model":"mlx"}'),
    );
    const gone = await HttpStandIn.start(() => undefined);
    await gone.close();
    app = await TestApp.start({
      auth: { secret: SECRET },
      updateInterval: 0.1,
      upstreams: { embeddings: embeddings.url, compression: gone.url.replace('//', '//ada:secret@') },
    });
  });
  afterAll(async () => {
    await app.close();
    await embeddings.close();
  });

  it('passes on what a service says, and says where another is not there', async () => {
    const tenant = new TestTenant(app);
    await tenant.record('usage', WORK);
    const client = await tenant.watch(encoding);
    await client.subscribe(['tools.metrics']);

    const state = await stateLike(client, {
      embeddings: { status: 'healthy' },
      compression: { error: 'connection refused' },
    });

    expect(state).toMatchObject({
      embeddings: { mlx_metrics: { total_embeddings: 15_234, cache_hit_rate: 0.817 }, model: 'mlx' },
      response_cache: { status: 'healthy', metrics: { hits: 1 } },
    });
    expect(state['compression']).toEqual({
      status: 'unavailable',
      error: 'connection refused',
      metrics: { total_compressions: null, total_tokens_saved: null, overall_compression_ratio: null },
    });
    await client.close();
  });

  it('shows the recorded usage of a tool', async () => {
    const tenant = new TestTenant(app);
    await tenant.record('usage', WORK);
    const client = await tenant.watch(encoding);
    await client.subscribe(['tools.metrics'], { tags: { tool_id: 'cursor' } });

    expect(await client.nextOf('tools.metrics')).toMatchObject({
      embeddings: { status: 'healthy', mlx_metrics: { total_embeddings: 1 } },
      compression: { status: 'healthy', metrics: { total_tokens_saved: 680 } },
    });
    await client.close();
  });
});
