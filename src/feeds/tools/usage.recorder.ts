import { Injectable } from '@nestjs/common';
import { type Publishable, TOOLS_METRICS, type TenantId } from '../../protocol/index.js';
import { type RecordKind, type RecordResult, Recorder, knownTenant, sumOf, totalsOf } from '../../recording/index.js';
import { DerivedSeries, type Row, type SqlValue, type Write } from '../../store/index.js';
import { Tenants } from '../../tenants/index.js';
import type { TotalScope } from './tool-total.entity.js';
import { COUNTERS, type Counter } from './usage-counters.js';
import { usageSamples } from './usage-samples.js';
import { type Usage, type UsageInput, parseUsage } from './usage.js';

/** Records what tools did: each item, the history of its counters, and the running totals that states are read from. */
@Injectable()
export class UsageRecorder {
  readonly #kind: RecordKind<Usage>;

  constructor(
    private readonly recorder: Recorder,
    series: DerivedSeries,
    tenants: Tenants,
  ) {
    this.#kind = {
      name: 'usage',
      states: [TOOLS_METRICS],
      rowsPerItem: 9,
      parse: parseUsage,
      *write(tenant: TenantId, usages: readonly Usage[]): Write<() => readonly Publishable[]> {
        if (usages.length === 0) return () => [];
        const totals = yield* store(tenant, usages);
        const metrics = usageSamples(usages, totals).map((sample) => ({ channel: TOOLS_METRICS, sample }));
        const remember = yield* series.append(tenant, metrics, tenants.effective(tenant).limits.maxSeries);
        return () => {
          remember();
          // A state: subscribers see it at the next tick, with whatever else was done until then.
          return [];
        };
      },
    };
  }

  /**
   * Records usage for a tenant. When it resolves it is committed; subscribers see it at their next tick.
   *
   * @param input one item or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: UsageInput | readonly UsageInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}

/** Stores the items, and returns the totals as they are with them. */
function* store(tenant: TenantId, usages: readonly Usage[]): Write<readonly Row[]> {
  const totals = yield {
    into: 'metricast_tool_total',
    columns: ['tenant_id', 'scope', 'kind', 'tool_id', 'session_id', ...COUNTERS],
    rows: totalsOf(
      usages.flatMap(sharesOf),
      ({ scope, usage, tool, session }) => [tenant, scope, usage.kind, tool, session],
      COUNTERS.map((counter) => sumOf(({ usage }) => usage[counter])),
    ),
    onConflict: `ON CONFLICT (tenant_id, scope, kind, tool_id, session_id) DO UPDATE SET
      ${COUNTERS.map((counter) => `${counter} = metricast_tool_total.${counter} + excluded.${counter}`).join(', ')}`,
    returning: ['scope', 'kind', 'tool_id', 'session_id', ...COUNTERS],
  };
  yield {
    into: 'metricast_tool_usage',
    columns: [
      'tenant_id',
      'tool_id',
      'session_id',
      'kind',
      'at',
      ...COUNTERS,
      ...COUNTERS.map((counter) => `${counter}_delta`),
    ],
    rows: usageRows(tenant, usages, totals),
  };
  return totals;
}

/** A total that an item is part of. */
interface Share {
  readonly scope: TotalScope;
  readonly tool: string;
  readonly session: string;
  readonly usage: Usage;
}

function sharesOf(usage: Usage): Share[] {
  const { tool_id: tool, session_id: session = '' } = usage;
  const shares: Share[] = [
    { scope: 'series', tool, session, usage },
    { scope: 'tool', tool, session: '', usage },
    { scope: 'all', tool: '', session: '', usage },
  ];
  if (session) shares.push({ scope: 'session', tool: '', session, usage });
  return shares;
}

/** The items as rows. What a series came to after each is counted from its total after all, from the last backwards. */
function usageRows(tenant: TenantId, usages: readonly Usage[], totals: readonly Row[]): SqlValue[][] {
  const after = new Map<string, Record<Counter, number>>();
  for (const row of totals) {
    if (row['scope'] === 'series') after.set(seriesKey(row), row as Record<Counter, number>);
  }
  const rows = usages.toReversed().map((usage) => {
    const { tool_id, session_id = null, kind, timestamp } = usage;
    const key = seriesKey({ kind, tool_id, session_id: session_id ?? '' });
    const total = after.get(key)!;
    const values = [...COUNTERS.map((counter) => total[counter]), ...COUNTERS.map((counter) => usage[counter])];
    for (const counter of COUNTERS) total[counter] -= usage[counter];
    return [tenant, tool_id, session_id, kind, timestamp, ...values];
  });
  return rows.reverse();
}

function seriesKey({ kind, tool_id, session_id }: Row): string {
  return JSON.stringify([kind, tool_id, session_id]);
}
