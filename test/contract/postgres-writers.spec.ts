import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TenantId } from '../../src/protocol/index.js';
import type { Write } from '../../src/store/index.js';
import { lockOf, lockTenants } from '../../src/store/tenant-locks.js';
import { type PostgresDatabase, createPostgresDatabase } from '../support/postgres.js';
import { type Storage, newTenant, openStorage } from '../support/storage.js';

let database: PostgresDatabase;
let instances: Storage[];
let clients: pg.Client[];
let tenant: TenantId;

beforeEach(async () => {
  database = await createPostgresDatabase();
  tenant = newTenant();
  instances = [];
  clients = [];
});

afterEach(async () => {
  // First those that instances may wait for.
  for (const client of clients) await client.end();
  for (const instance of instances) await instance.close();
  await database.drop();
});

async function start(count: number, parameters = ''): Promise<void> {
  const opening = Array.from({ length: count }, () => openStorage(database.url + parameters));
  instances.push(...(await Promise.all(opening)));
}

it('single items for the same names of the same tenants are all taken at once, and counted exactly', async () => {
  await start(4);
  const tenants = [newTenant(), newTenant(), newTenant()];
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const begun = performance.now();
  // Ten writers an instance, so that many small transactions meet; each instance goes through the names differently.
  const requests = instances.flatMap(({ skills, usage }, instance) =>
    Array.from({ length: 10 }, async (_, writer) => {
      for (let index = writer; index < 450; index += 10) {
        const at = tenants[(index + instance) % 3]!;
        const name = names[(index * [1, 3, 7, 9][instance]!) % 20]!;
        await Promise.all([
          skills.record(at, { skill_name: name, completed: true }),
          usage.record(at, { tool_id: name, kind: 'embedding' }),
        ]);
      }
    }),
  );
  await Promise.all(requests);

  // It takes a few seconds. A server notices each deadlock after one, so that many take far longer than this.
  expect(performance.now() - begun).toBeLessThan(30_000);
  expect(
    await instances[0]!.rows('SELECT SUM(total_invocations) AS runs FROM metricast_skill GROUP BY tenant_id'),
  ).toEqual(Array(3).fill({ runs: '600' }));
  expect(
    await instances[0]!.rows(
      `SELECT SUM(count) AS count FROM metricast_tool_total WHERE scope = 'tool' GROUP BY tenant_id`,
    ),
  ).toEqual(Array(3).fill({ count: 600 }));
  expect(await deadlocksUntilEnd()).toBe(0);
}, 60_000);

it('instances that delete what is too old hold up neither each other nor who records what is about to be', async () => {
  await start(4);
  const [first] = instances as [Storage];
  const now = Date.now();
  const old = (series: number, second: number) => ({
    channel: 'orders.metrics',
    name: `n${series}`,
    type: 'counter' as const,
    value: second,
    timestamp: Math.floor(now / 1000) - 86_400 * 3 + second,
  });
  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 500 }, (_, index) => old(index % 20, batch * 25 + Math.floor(index / 20))),
  );
  for (const batch of batches.slice(0, 20)) await first.metrics.record(tenant, batch);
  const begun = performance.now();
  const late = batches.slice(20).map((batch, index) => instances[index % 4]!.metrics.record(tenant, batch));
  const runs = instances.flatMap(({ retention }) => [retention.run(now), retention.run(now)]);
  for (const result of await Promise.all(late)) expect(result).toMatchObject({ accepted: 500 });
  await Promise.all(runs);
  await first.retention.run(now);

  expect(performance.now() - begun).toBeLessThan(30_000);
  expect(await first.rows('SELECT value FROM metricast_metric_point')).toEqual(Array(20).fill({ value: 999 }));
  expect(await first.rows('SELECT DISTINCT resolution FROM metricast_rollup ORDER BY 1')).toEqual(
    [60, 300, 3600].map((resolution) => ({ resolution })),
  );
  const deleted = instances.map(({ retention }) => retention.deleted.get('metricast_metric_point') ?? 0);
  expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(20_000 - 20);
  expect(await deadlocksUntilEnd()).toBe(0);
}, 60_000);

it('a tenant whose rows somebody writes holds up its own writers, and no other tenant', async () => {
  await start(2);
  const [one, other] = instances as [Storage, Storage];
  const holder = await hold(tenant);
  const waiting = one.skills.record(tenant, RUN);
  await vi.waitFor(async () => expect(await sessionsWaiting()).toBe(1));
  await other.skills.record(tenantBeside(tenant), RUN);
  // What is no tenant's has a lock of its own.
  await other.write(heartbeat);

  expect(await sessionsWaiting()).toBe(1);
  await holder.query('COMMIT');
  expect(await waiting).toMatchObject({ accepted: 1 });
});

it('who waits too long for a tenant is told that the database is busy; no write is blamed and none is lost', async () => {
  await start(1, '?statement_timeout=1000');
  const [impatient] = instances as [Storage];
  const holder = await hold(tenant);
  const requests = [RUN, RUN, RUN].map((run) => impatient.skills.record(tenant, run));
  for (const result of await Promise.allSettled(requests)) expect(result).toMatchObject({ reason: { code: 'busy' } });
  expect(impatient.transactor.sizes).toEqual([3]);
  await holder.query('COMMIT');
  await impatient.skills.record(tenant, RUN);

  expect(await impatient.rows('SELECT total_invocations FROM metricast_skill')).toEqual([{ total_invocations: '1' }]);
});

const RUN = { skill_name: 's', completed: true };

function* heartbeat(): Write<void> {
  yield {
    into: 'metricast_instance',
    columns: ['instance_id', 'started_at', 'seen_at'],
    rows: [[randomUUID(), 0, 0]],
  };
}

/** Another tenant, that has another lock. */
function tenantBeside(held: TenantId): TenantId {
  for (;;) {
    const other = newTenant();
    if (lockOf(other) !== lockOf(held)) return other;
  }
}

async function sessionsWaiting(): Promise<number> {
  const rows = await instances[0]!.rows(`SELECT DISTINCT pid FROM pg_locks WHERE NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  return rows.length;
}

/** Ends the instances: a server's session counts what it met when it ends, if not before. */
async function deadlocksUntilEnd(): Promise<number> {
  for (const instance of instances.splice(0)) await instance.close();
  const client = await connect();
  const others = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  await vi.waitFor(async () => expect((await client.query(others)).rows).toEqual([]));
  const { rows } = await client.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]!.deadlocks);
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  clients.push(client);
  return client;
}

/** A connection that writes for a tenant, and has not yet come to its end. */
async function hold(tenant: TenantId): Promise<pg.Client> {
  const client = await connect();
  await client.query('BEGIN');
  await lockTenants(client, [tenant]);
  return client;
}
