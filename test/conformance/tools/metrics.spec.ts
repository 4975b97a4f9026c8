import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, completion, usage } from '../../support/test-tenant.js';
import type { WireClient, WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

const NOTHING_YET = {
  embeddings: { status: 'healthy', mlx_metrics: { total_embeddings: 0, cache_hits: 0, cache_hit_rate: null } },
  compression: {
    status: 'healthy',
    metrics: { total_compressions: 0, total_tokens_saved: 0, overall_compression_ratio: null },
  },
  workflows: { status: 'healthy', metrics: { total: 0, successful: 0, failed: 0, success_rate: null } },
  response_cache: { status: 'healthy', metrics: { hits: 0, misses: 0, hit_rate: null } },
};

describe('the metrics of the tools dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** What a client is shown that connects now. */
  const shown = async (query = ''): Promise<WireMessage> => {
    const client = await tenant.watchTools(query);
    const metrics = await client.next({ type: 'metrics' });
    await client.close();
    return metrics;
  };
  /** The next metrics whose data are as it is said here. */
  const metricsLike = (client: WireClient, expected: object) =>
    client.find(({ type, data }) => type === 'metrics' && isLike(data, expected));
  const rename = (from: string, to: string) =>
    app.app
      .get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false })
      .query(`ALTER TABLE ${from} RENAME TO ${to}`);

  it('have the shape of the contract, to the field', async () => {
    await tenant.record('usage', [
      usage({ count: 15_234, cache_hits: 12_450 }),
      usage({ kind: 'compression', count: 3, original_tokens: 1000, compressed_tokens: 320 }),
      usage({ kind: 'response_cache', hits: 3, misses: 1 }),
    ]);
    await tenant.record('executions', [
      completion('a', { kind: 'workflow' }),
      completion('b', { kind: 'workflow', status: 'failed' }),
      completion('c', { kind: 'workflow', status: 'started' }),
      completion('d', { kind: 'agent' }),
    ]);

    expect(await shown()).toEqual({
      type: 'metrics',
      timestamp: ISO,
      data: {
        embeddings: {
          status: 'healthy',
          mlx_metrics: { total_embeddings: 15_234, cache_hits: 12_450, cache_hit_rate: 0.817251 },
        },
        compression: {
          status: 'healthy',
          metrics: { total_compressions: 3, total_tokens_saved: 680, overall_compression_ratio: 0.68 },
        },
        // Of the three, one still runs.
        workflows: { status: 'healthy', metrics: { total: 3, successful: 1, failed: 1, success_rate: 0.5 } },
        response_cache: { status: 'healthy', metrics: { hits: 3, misses: 1, hit_rate: 0.75 } },
      },
      tool_id: null,
      session_id: null,
    });
  });

  it('are there where nothing was done yet, with rates that are null', async () => {
    expect(await shown()).toMatchObject({ data: NOTHING_YET });
    expect(await shown('tool_id=never&session_id=ran')).toMatchObject({
      data: NOTHING_YET,
      tool_id: 'never',
      session_id: 'ran',
    });
  });

  it('show what was accepted before they were asked for, again and again', async () => {
    // While somebody watches, what was shown is kept.
    const watcher = await tenant.watchTools();
    await watcher.next({ type: 'metrics' });
    for (let count = 1; count <= 5; count++) {
      await tenant.record('usage', usage());
      expect(await shown()).toMatchObject({ data: { embeddings: { mlx_metrics: { total_embeddings: count } } } });
    }
    await watcher.close();
  });

  it('show by the next tick what was recorded', async () => {
    const client = await tenant.watchTools();
    await client.next({ type: 'metrics' });
    await tenant.record('usage', usage({ count: 7 }));
    client.send({ type: 'ping' });
    await client.next({ type: 'pong' });
    // What was collected while it was stored may still be under way; the tick after has it for sure.
    await client.next({ type: 'metrics' });

    expect(await client.next({ type: 'metrics' })).toMatchObject({
      data: { embeddings: { mlx_metrics: { total_embeddings: 7 } } },
    });
    await client.close();
  });

  it('are those of the tenant alone', async () => {
    await new TestTenant(app).record('usage', [usage({ count: 9 }), usage({ kind: 'response_cache', hits: 9 })]);

    expect(await shown()).toMatchObject({ data: NOTHING_YET });
    expect(await shown('tool_id=claude-code')).toMatchObject({ data: NOTHING_YET });
  });

  it('are the very same for all who watch the same', async () => {
    const [one, other] = [await tenant.watchTools('tool_id=a'), await tenant.watchTools('tool_id=a')];
    const metrics = await other.next({ type: 'metrics' });

    expect(await one.next({ timestamp: metrics['timestamp'] })).toEqual(metrics);
    await Promise.all([one.close(), other.close()]);
  });

  it('say of a section whose source failed that it is unavailable, and why; the others come as ever', async () => {
    await tenant.record('executions', completion('a', { kind: 'workflow' }));
    const client = await tenant.watchTools();
    await metricsLike(client, { embeddings: { status: 'healthy' } });

    await rename('metricast_tool_total', 'away');
    const { data } = await metricsLike(client, { embeddings: { status: 'unavailable' } });
    await rename('away', 'metricast_tool_total');

    const why = expect.stringMatching(/^[a-z ]+$/) as string;
    expect(data).toEqual({
      embeddings: {
        status: 'unavailable',
        error: why,
        mlx_metrics: { total_embeddings: null, cache_hits: null, cache_hit_rate: null },
      },
      compression: {
        status: 'unavailable',
        error: why,
        metrics: { total_compressions: null, total_tokens_saved: null, overall_compression_ratio: null },
      },
      workflows: { status: 'healthy', metrics: { total: 1, successful: 1, failed: 0, success_rate: 1 } },
      response_cache: { status: 'unavailable', error: why, metrics: { hits: null, misses: null, hit_rate: null } },
    });
    await metricsLike(client, { embeddings: NOTHING_YET.embeddings });
    await client.close();
  });
});

function isLike(value: unknown, expected: object): boolean {
  try {
    expect(value).toMatchObject(expected);
    return true;
  } catch {
    return false;
  }
}
