import type { SqlValue } from '../store/index.js';

/** One column of {@link totalsOf}: what an item adds to it, and how two such values become one. */
export interface Total<Item> {
  readonly of: (item: Item) => number;
  readonly combine: (one: number, other: number) => number;
}

/** A column that is the sum over a group's items. */
export function sumOf<Item>(of: (item: Item) => number): Total<Item> {
  return { of, combine: (one, other) => one + other };
}

/** One row per group of items: the group's columns, then its totals. Sorted by group, as all writers must. */
export function totalsOf<Item>(
  items: readonly Item[],
  groupOf: (item: Item) => SqlValue[],
  columns: readonly Total<Item>[],
): SqlValue[][] {
  const groups = new Map<string, { group: SqlValue[]; values: number[] }>();
  for (const item of items) {
    const group = groupOf(item);
    const key = JSON.stringify(group);
    const known = groups.get(key);
    if (!known) groups.set(key, { group, values: columns.map(({ of }) => of(item)) });
    else columns.forEach(({ of, combine }, index) => (known.values[index] = combine(known.values[index]!, of(item))));
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { group, values }]) => [...group, ...values]);
}
