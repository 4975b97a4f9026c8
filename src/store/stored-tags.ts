import type { TagFilter, Tags } from '../protocol/index.js';

/** The tags that a `tags` column holds: `canonicalKey` has written them. */
export function parseStoredTags(text: string): Tags {
  return JSON.parse(text || '{}') as Tags;
}

/** A condition with named parameters, in the SQL that both databases share. */
export interface Condition {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The condition that the tags of a column match a filter. */
export function tagsMatch(column: string, filter: TagFilter): Condition {
  const parameters: Record<string, string> = {};
  const hasPair = (name: string, value: string) => {
    const parameter = `tag${Object.keys(parameters).length}`;
    // Within a text its quotes would have a backslash before them, so that this is found where it is a pair, or nowhere.
    parameters[parameter] = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    // True where it is in there. The databases have a function for that, but not the same one.
    return `REPLACE(${column}, :${parameter}, '') <> ${column}`;
  };
  const names = Object.entries(filter).map(([name, values]) =>
    values.length > 0 ? `(${values.map((value) => hasPair(name, value)).join(' OR ')})` : '1 = 0',
  );
  return { sql: names.join(' AND ') || '1 = 1', parameters };
}
