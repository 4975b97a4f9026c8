import { type Sample, type Tags, parseTags } from '../../protocol/index.js';
import type { Row } from '../../store/index.js';
import { COUNTERS, type Counter } from './usage-counters.js';
import type { Usage } from './usage.js';

/**
 * What was used as samples of counters, one series for each counter of a kind of work by a tool; a session of its own
 * each would be more series than anybody can have. Their values are what the tool came to with the item, in the order of
 * arrival. An item may come late, so each brings its increase: told from the values, that would be wrong.
 *
 * @param totals of the tools after all the items.
 */
export function usageSamples(usages: readonly Usage[], totals: readonly Row[]): Sample[] {
  const after = new Map<string, Record<Counter, number>>();
  for (const row of totals) {
    if (row['scope'] === 'tool') after.set(toolKey(row), { ...(row as Record<Counter, number>) });
  }
  const samples = new Map<string, Sample & { increase: number }>();
  // From the last one backwards, because it is known what there was after it.
  for (const usage of usages.toReversed()) {
    const { kind, tool_id, timestamp } = usage;
    const total = after.get(toolKey({ kind, tool_id }))!;
    const tags = parseTags({ kind, tool_id }) as Tags;
    for (const name of COUNTERS) {
      const increase = usage[name];
      if (increase === 0) continue;
      const key = JSON.stringify([kind, tool_id, name, timestamp]);
      const later = samples.get(key);
      if (later) later.increase += increase;
      else samples.set(key, { kind: 'sample', name, type: 'counter', value: total[name], timestamp, tags, increase });
      total[name] -= increase;
    }
  }
  return [...samples.values()].reverse();
}

function toolKey({ kind, tool_id }: Row): string {
  return JSON.stringify([kind, tool_id]);
}
