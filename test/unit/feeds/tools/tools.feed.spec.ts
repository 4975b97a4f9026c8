import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Section } from '../../../../src/feeds/tools/section.js';
import { toolsSections } from '../../../../src/feeds/tools/sections.js';
import { ToolsFeed } from '../../../../src/feeds/tools/tools.feed.js';
import { UpstreamCounters } from '../../../../src/feeds/tools/upstream-counters.js';
import { Upstreams } from '../../../../src/feeds/tools/upstreams.js';
import { ALL_FEATURES, type TagFilter, type TenantId, NO_FILTER } from '../../../../src/protocol/index.js';
import { createSqliteDatabase } from '../../../support/databases.js';
import { type Answering, HttpStandIn } from '../../../support/http-stand-in.js';
import { filterOf } from '../../../support/publications.js';
import { newTenant, openStorage } from '../../../support/storage.js';
import { ExecutionTotals } from '../../../../src/feeds/executions/index.js';
import { ExecutionTotal } from '../../../../src/feeds/executions/execution-total.entity.js';
import { ToolTotal } from '../../../../src/feeds/tools/tool-total.entity.js';
import { UsageTotals } from '../../../../src/feeds/tools/usage-totals.js';

let logged: string[];
let tenant: TenantId;
beforeEach(() => {
  tenant = newTenant();
});

const collect = (feed: ToolsFeed, filter: TagFilter = NO_FILTER) =>
  feed.collect({ tenant, filter, features: ALL_FEATURES, timestamp: Date.now() }) as Promise<
    Record<string, Record<string, unknown>>
  >;

/** The feed over a real database, with upstream services of these answers. */
async function feedWith(answers: { embeddings?: Answering; compression?: Answering }) {
  const database = await createSqliteDatabase();
  const storage = await openStorage(database.url);
  const standIns = await Promise.all(
    Object.entries(answers).map(async ([name, answer]) => [name, await HttpStandIn.start(answer)] as const),
  );
  const urls = Object.fromEntries(standIns.map(([name, { url }]) => [name, url]));
  const upstreams = new Upstreams({ urls, updateInterval: 0.1 }, new UpstreamCounters(storage.queue));
  upstreams.onApplicationBootstrap();
  onTestFinished(async () => {
    upstreams.onModuleDestroy();
    for (const [, standIn] of standIns) await standIn.close();
    await storage.close();
    await database.drop();
  });
  const { dataSource } = storage;
  const usage = new UsageTotals(dataSource.getRepository(ToolTotal));
  const executions = new ExecutionTotals(dataSource.getRepository(ExecutionTotal));
  const feed = new ToolsFeed(toolsSections(usage, executions, upstreams));
  return { feed, storage };
}

const json =
  (value: unknown): Answering =>
  (_, response) =>
    response.end(JSON.stringify(value));

describe('the state of the tools', () => {
  it('passes an upstream service’s statistics on, as they are, with a status', async () => {
    const stats = {
      status: 'degraded',
      mlx_metrics: { total_embeddings: 15_234, cache_hits: 12_450, cache_hit_rate: 0.817 },
      uptime: 'long',
    };
    const { feed } = await feedWith({ embeddings: json(stats) });
    await vi.waitFor(async () => expect((await collect(feed))['embeddings']).toEqual({ ...stats, status: 'healthy' }));

    const { compression } = await collect(feed);
    expect(compression).toMatchObject({ status: 'healthy', metrics: { total_compressions: 0 } });
  });

  it('has the recorded usage where it is narrowed: a service cannot tell its tools apart', async () => {
    const { feed, storage } = await feedWith({ embeddings: json({ mlx_metrics: { total_embeddings: 9 } }) });
    await storage.usage.record(tenant, { tool_id: 'a', session_id: 's', kind: 'embedding', count: 2 });
    const total = async (filter?: TagFilter) =>
      ((await collect(feed, filter))['embeddings']!['mlx_metrics'] as { total_embeddings: unknown }).total_embeddings;
    await vi.waitFor(async () => expect(await total()).toBe(9));

    expect(await total(filterOf({ tool_id: 'a' }))).toBe(2);
    expect(await total(filterOf({ session_id: 's' }))).toBe(2);
    expect(await total({ tool_id: [] })).toBe(0);
  });

  it('does not wait for a service that hangs, nor does another service', async () => {
    const { feed } = await feedWith({
      embeddings: () => undefined,
      compression: json({ metrics: { total_compressions: 3 } }),
    });
    await vi.waitFor(async () =>
      expect((await collect(feed))['compression']).toEqual({ status: 'healthy', metrics: { total_compressions: 3 } }),
    );

    // The service has not been given up yet.
    expect(await collect(feed)).toMatchObject({
      embeddings: {
        status: 'unavailable',
        error: 'not answered yet',
        mlx_metrics: { total_embeddings: null, cache_hits: null, cache_hit_rate: null },
      },
      workflows: { status: 'healthy' },
      response_cache: { status: 'healthy' },
    });
  });

  it('says why a service’s section is unavailable, and has the others', async () => {
    const { feed, storage } = await feedWith({ compression: (_, response) => response.writeHead(503).end() });
    await storage.usage.record(tenant, { tool_id: 'a', kind: 'embedding', count: 2 });
    await vi.waitFor(async () =>
      expect((await collect(feed))['compression']).toEqual({
        status: 'unavailable',
        error: 'answered 503',
        metrics: { total_compressions: null, total_tokens_saved: null, overall_compression_ratio: null },
      }),
    );

    expect(await collect(feed)).toMatchObject({ embeddings: { mlx_metrics: { total_embeddings: 2 } } });
  });

  it('has its counters stored, with their increases, whether somebody looks or not', async () => {
    let total = 0;
    const { storage } = await feedWith({
      embeddings: (_, response) => response.end(JSON.stringify({ mlx_metrics: { total: (total += 5) } })),
    });

    await vi.waitFor(
      async () => {
        const rows = await storage.rows('SELECT * FROM metricast_upstream_counter ORDER BY sequence');
        expect(rows.slice(0, 2)).toMatchObject([
          { source: 'embeddings', name: 'mlx_metrics.total', value: 5, delta: 5 },
          { source: 'embeddings', name: 'mlx_metrics.total', value: 10, delta: 5 },
        ]);
      },
      { timeout: 10_000 },
    );
  });

  it('logs once that a section cannot be read, until it can', async () => {
    logged = [];
    Logger.overrideLogger({ log: () => undefined, warn: () => undefined, error: (text: string) => logged.push(text) });
    let error: Error | undefined = new Error('SELECT failed');
    const section: Section = {
      name: 'embeddings',
      unknown: { metrics: null },
      read: () => (error ? Promise.reject(error) : Promise.resolve({})),
    };
    const feed = new ToolsFeed([section]);

    for (let times = 0; times < 3; times++) {
      expect(await collect(feed)).toEqual({
        embeddings: { status: 'unavailable', error: 'its figures cannot be read now', metrics: null },
      });
    }
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^embeddings cannot be read: Error: SELECT failed/);

    error = undefined;
    expect(await collect(feed)).toEqual({ embeddings: { status: 'healthy' } });
    error = new Error('again');
    await collect(feed);
    expect(logged).toHaveLength(2);
  });
});
