import { type Row, type SqlValue, type Write, auditOf } from '../store/index.js';
import type { Profile } from './performance-profile.js';

/** Who is on a profile. */
export interface Users {
  readonly count: number;
  /** The first of them, by name. */
  readonly tenants: readonly string[];
}

const TENANTS_NAMED = 10;

/** False where there is one with this name. */
export function* creation(actor: string, profile: Profile): Write<boolean> {
  if (yield* stored(profile.name)) return false;
  const [now, after] = [Date.now(), columnsOf(profile)];
  yield* put(after, now);
  yield auditOf({ actor, action: 'profile.create', before: null, after }, now);
  return true;
}

/** False where there is none with this name. */
export function* replacement(actor: string, profile: Profile): Write<boolean> {
  const row = yield* stored(profile.name);
  if (!row) return false;
  // Grows with each change, whatever the clock does: by it the other instances know that it is another.
  const now = Date.now();
  const version = Math.max(now, Number(row['updated_at']) + 1);
  const after = columnsOf(profile);
  yield* put(after, version);
  yield auditOf({ actor, action: 'profile.replace', before: shownOf(row), after }, now);
  return true;
}

/** Who is on it, by which it is kept; `undefined` where there is none with this name. */
export function* removal(actor: string, name: string): Write<Users | undefined> {
  const row = yield* stored(name);
  if (!row) return undefined;
  const users = yield* usersOf(name);
  if (users.count > 0) return users;
  yield { sql: 'DELETE FROM metricast_performance_profile WHERE name = $1', values: [name] };
  yield auditOf({ actor, action: 'profile.delete', before: shownOf(row), after: null }, Date.now());
  return users;
}

/** The columns of a profile, which are called as the wire calls them. */
type Columns = Readonly<Record<string, SqlValue>>;

function columnsOf(profile: Profile): Columns {
  const { name, mode, collectionIntervalSeconds, maxEventsPerMinute, description } = profile;
  return {
    name,
    mode,
    collection_interval_seconds: collectionIntervalSeconds,
    max_events_per_minute: maxEventsPerMinute,
    description,
  };
}

function* stored(name: string): Write<Row | undefined> {
  const [row] = yield { sql: 'SELECT * FROM metricast_performance_profile WHERE name = $1', values: [name] };
  return row;
}

/** All of a row but when it was written. */
function shownOf({ created_at: _created, updated_at: _updated, ...shown }: Row): object {
  return shown;
}

function* usersOf(profile: string): Write<Users> {
  const [all] = yield {
    sql: 'SELECT COUNT(*) AS tenants FROM metricast_tenant_settings WHERE performance_profile = $1',
    values: [profile],
  };
  const first = yield {
    sql: `SELECT tenant_id FROM metricast_tenant_settings WHERE performance_profile = $1 ORDER BY tenant_id LIMIT ${TENANTS_NAMED}`,
    values: [profile],
  };
  return { count: Number(all!['tenants']), tenants: first.map((row) => row['tenant_id'] as string) };
}

function* put(columns: Columns, now: number): Write<void> {
  const changed = [...Object.keys(columns).filter((column) => column !== 'name'), 'updated_at'];
  yield {
    into: 'metricast_performance_profile',
    columns: [...Object.keys(columns), 'created_at', 'updated_at'],
    rows: [[...Object.values(columns), now, now]],
    onConflict: `ON CONFLICT (name) DO UPDATE SET ${changed.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  };
}
