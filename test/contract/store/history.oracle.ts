import { INTERVALS, type Interval, type Sample, type SampleType, windowStart } from '../../../src/protocol/index.js';

/** A point as it is recorded; `timestamp` in milliseconds. */
export interface Point {
  readonly name: string;
  readonly type: SampleType;
  readonly value: number;
  readonly timestamp: number;
  readonly tags: Readonly<Record<string, string>>;
}

interface Asked {
  readonly start: number;
  readonly end: number;
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string | readonly string[]>>;
  readonly interval?: Interval;
}

/** The history of points, which are in the order in which they were recorded: in no order. */
export function naiveHistory(points: readonly Point[], { start, end, name, tags = {}, interval }: Asked): Sample[] {
  const series = grouped(points, (point) => `${point.name} ${JSON.stringify(point.tags)}`);
  return [...series.values()].flatMap((own) => {
    const { name: ownName, tags: ownTags, type } = own[0]!;
    const isMeant = name === undefined || name === ownName;
    if (!isMeant || !Object.entries(tags).every(([tag, values]) => [values].flat().includes(ownTags[tag]!))) return [];
    const sorted = own.toSorted((one, other) => one.timestamp - other.timestamp);
    const increases = sorted.map(({ value }, index) => {
      const before = sorted[index - 1]?.value;
      return before === undefined || value < before ? value : value - before;
    });
    const sample = { kind: 'sample', name: ownName, type, tags: ownTags } as const;
    if (!interval) {
      return sorted.flatMap(({ timestamp, value }, index): Sample[] => {
        if (timestamp < start || timestamp >= end) return [];
        return [{ ...sample, timestamp, value, ...(type === 'counter' && { increase: increases[index]! }) }];
      });
    }
    const length = INTERVALS[interval];
    const windows = grouped([...sorted.keys()], (index) => windowStart(sorted[index]!.timestamp, length));
    return [...windows].flatMap(([timestamp, indexes]): Sample[] => {
      if (timestamp < windowStart(start, length) || timestamp >= end) return [];
      const values = indexes.map((index) => sorted[index]!.value).sort((one, other) => one - other);
      const quantile = (share: number) => values[Math.floor(share * (values.length - 1))]!;
      const sum = values.reduce((total, value) => total + value, 0);
      const summary = { count: values.length, sum, min: values[0]!, max: values.at(-1)! };
      const increase = indexes.reduce((total, index) => total + increases[index]!, 0);
      const [p50, p95, p99] = [quantile(0.5), quantile(0.95), quantile(0.99)];
      const value = type === 'gauge' ? sum / values.length : type === 'counter' ? increase : p50;
      const last = sorted[indexes.at(-1)!]!.value;
      const more = { gauge: { last }, counter: {}, histogram: { p50, p95, p99 } };
      const all = { ...summary, ...more[type] };
      return [{ ...sample, timestamp, value, summary: all, window: { interval } }];
    });
  });
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function orderOf(samples: readonly Sample[]): number[] {
  return samples.map(({ timestamp }) => timestamp);
}

/** What says which sample it is, and its numbers. */
export function shown({ name, type, timestamp, tags, value, increase, summary, window }: Sample) {
  const key = `${timestamp} ${name} ${type} ${JSON.stringify(tags)} ${window?.interval ?? value}`;
  return { key, value, numbers: { value, ...(increase !== undefined && { increase }), ...summary } };
}
