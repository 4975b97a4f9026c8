import { Injectable } from '@nestjs/common';
import { isPlainText } from '../../protocol/index.js';
import { type Row, type SqlValue, type Write, WriteQueue } from '../../store/index.js';
import type { JsonObject } from './upstream-request.js';
import type { Answered } from './upstream.poller.js';

const MAX_COUNTERS = 64;
const MAX_NAME_LENGTH = 200;

/** Keeps the counters of upstream services: each value that differs from the one before, with its increase. */
@Injectable()
export class UpstreamCounters {
  constructor(private readonly queue: WriteQueue) {}

  /** @throws `MetricastError` `busy` where the store does not take it: a later answer makes up for it. */
  async record(source: string, { stats, askedAt, answeredAt }: Answered): Promise<void> {
    const counters = countersIn(stats);
    if (counters.size === 0) return;
    await this.queue.write(counters.size, function* (): Write<void> {
      const predecessors = yield latestOf(source, [...counters.keys()]);
      const rows = changesOf(source, counters, predecessors, askedAt, answeredAt);
      if (rows.length === 0) return;
      yield {
        into: 'metricast_upstream_counter',
        columns: ['source', 'name', 'sequence', 'value', 'delta', 'polled_at'],
        rows,
        // Another instance has just stored a change of its own: what is left of this one, the next answer tells.
        onConflict: 'ON CONFLICT (source, name, sequence) DO NOTHING',
      };
    });
  }
}

/**
 * The counters of the statistics by their paths, sorted; the first 64 at most. A counter is a whole number from 0
 * on. A rate is none, and goes up and down: fractions are left out, and so is what is named a rate, a ratio or a
 * percentage, which may happen to be whole.
 */
export function countersIn(stats: JsonObject): Map<string, number> {
  const counters = new Map<string, number>();
  for (const [name, value] of leavesOf(stats)) {
    if (counters.size === MAX_COUNTERS) break;
    const isCounter = Number.isSafeInteger(value) && (value as number) >= 0 && !RATE.test(name);
    // A key may hold a dot, so that two paths may be one name: the first has it.
    if (isCounter && isPlainText(name, MAX_NAME_LENGTH) && !counters.has(name)) counters.set(name, value as number);
  }
  return new Map([...counters].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `hit_rate`, `hitRate`, but not `generate`. */
const RATE = /(^|[^a-z])(rate|ratio|percent|percentage)$|[a-z](Rate|Ratio|Percent|Percentage)$/;

function* leavesOf(value: object, path = ''): Generator<[name: string, value: unknown]> {
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) yield [path + key, inner];
    else if (!Array.isArray(inner)) yield* leavesOf(inner as object, `${path}${key}.`);
  }
}

/** What a counter grew by. One that fell began again at 0. */
export function increase(value: number, before: number | undefined): number {
  return before === undefined || value < before ? value : value - before;
}

/** The newest row of each counter, each by the index. */
function latestOf(source: string, names: readonly string[]) {
  const one = (_name: string, index: number) =>
    `SELECT * FROM (SELECT name, sequence, value, polled_at FROM metricast_upstream_counter
      WHERE source = $${2 * index + 1} AND name = $${2 * index + 2} ORDER BY sequence DESC LIMIT 1) AS latest`;
  return { sql: names.map(one).join(' UNION ALL '), values: names.flatMap((name) => [source, name]) };
}

function changesOf(
  source: string,
  counters: ReadonlyMap<string, number>,
  predecessors: readonly Row[],
  askedAt: number,
  answeredAt: number,
): SqlValue[][] {
  const before = new Map(predecessors.map((row) => [row['name'], row]));
  return [...counters].flatMap(([name, value]) => {
    const row = before.get(name);
    const last = row && {
      sequence: Number(row['sequence']),
      value: Number(row['value']),
      at: Number(row['polled_at']),
    };
    // Another instance was answered meanwhile: whose value is the newer one cannot be told.
    if (last && (last.value === value || last.at > askedAt)) return [];
    return [[source, name, (last?.sequence ?? 0) + 1, value, increase(value, last?.value), answeredAt]];
  });
}
