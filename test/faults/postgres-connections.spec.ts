import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALL_FEATURES, NO_FILTER } from '../../src/protocol/index.js';
import type { Write } from '../../src/store/index.js';
import { type PostgresDatabase, createPostgresDatabase, postgresUrl } from '../support/postgres.js';
import { type Storage, newTenant, openStorage } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

// An error that nobody listens to ends a process. Here it fails the run, whatever the tests below say.

const BUSY = { code: 'busy', details: { retryAfter: 1 } };

let database: PostgresDatabase;
let storage: Storage;
let proxy: TcpProxy;

beforeEach(async () => {
  database = await createPostgresDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await TcpProxy.to({ host: hostname, port: Number(port) });
  storage = await openStorage(throughProxy());
});

afterEach(async () => {
  await storage.close();
  await proxy.close();
  await database.drop();
});

function throughProxy(): string {
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  url.searchParams.set('query_timeout', '500');
  return url.href;
}

/** Ends every connection to the database, as an administrator or a restart does. Returns how many there were. */
async function endConnections(): Promise<number> {
  const administrator = new pg.Client({ connectionString: await postgresUrl() });
  await administrator.connect();
  const { rows } = await administrator.query<{ pid: number }>(
    'SELECT pid, pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1',
    [new URL(database.url).pathname.slice(1)],
  );
  await administrator.end();
  return rows.length;
}

const writing = (id: string) =>
  function* (): Write<void> {
    yield {
      into: 'metricast_recorded_id',
      columns: ['tenant_id', 'kind', 'id', 'recorded_at'],
      rows: [['t', 'k', id, 0]],
    };
  };
const failing = (id: string, sql: string) =>
  function* (): Write<void> {
    yield* writing(id)();
    yield { sql, values: [] };
    yield* writing(`${id} after`)();
  };
const written = async () =>
  (await storage.rows('SELECT id FROM metricast_recorded_id ORDER BY id')).map(({ id }) => id);
const END_OWN_CONNECTION = 'SELECT pg_terminate_backend(pg_backend_pid())';

it('idle connections may be ended: reading and writing go on', async () => {
  const tenant = newTenant();
  const collect = () =>
    storage.feed.collect({ tenant, filter: NO_FILTER, features: ALL_FEATURES, timestamp: Date.now() });
  for (let round = 0; round < 3; round++) {
    // Several at once, so that there are several connections.
    await Promise.all([storage.write(writing(randomUUID())), collect(), collect()]);
    expect(await endConnections()).toBeGreaterThan(1);
    // The pool may hear of it a moment later than we do.
    await vi.waitFor(collect, { timeout: 5000 });
    await vi.waitFor(() => storage.write(writing(randomUUID())), { timeout: 5000 });
  }
});

it('a connection that ends within a transaction fails the write that it was at, and leaves nothing of it', async () => {
  const results = await Promise.allSettled([
    storage.write(writing('a')),
    storage.write(failing('b', END_OWN_CONNECTION)),
    storage.write(writing('c')),
  ]);

  expect(results).toMatchObject([{ status: 'fulfilled' }, { reason: BUSY }, { status: 'fulfilled' }]);
  expect(await written()).toEqual(['a', 'c']);
  await storage.write(writing('d'));
});

it('where the connection ends at the commit, nothing is tried again that may have been stored', async () => {
  await storage.rows(
    `CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`,
  );
  await storage.rows(
    `CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON metricast_recorded_id
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_connection()`,
  );
  const results = await Promise.allSettled([storage.write(writing('a')), storage.write(writing('b'))]);

  expect(results).toMatchObject([{ reason: BUSY }, { reason: BUSY }]);
  expect(storage.transactor.sizes).toEqual([2]);
  await storage.rows('DROP TRIGGER at_commit ON metricast_recorded_id');
  await storage.write(writing('c'));
  expect(await written()).toEqual(['c']);
});

it('a statement that takes too long fails the whole transaction at once: the others would have to wait as long', async () => {
  const impatient = await openStorage(`${throughProxy()}&statement_timeout=100`);
  const results = await Promise.allSettled([
    impatient.write(failing('a', 'SELECT pg_sleep(5)')),
    impatient.write(failing('b', 'SELECT pg_sleep(5)')),
  ]);

  expect(results).toMatchObject([{ reason: BUSY }, { reason: BUSY }]);
  expect(impatient.transactor.sizes).toEqual([2]);
  await impatient.close();
  expect(await written()).toEqual([]);
});

it('a server that falls silent fails what it was asked, and is written to again when it answers', async () => {
  await storage.write(writing('a'));
  proxy.silence();
  await expect(storage.write(writing('b'))).rejects.toMatchObject(BUSY);
  proxy.restore();
  await storage.write(writing('c'));

  expect(await written()).toEqual(['a', 'c']);
});

it('a server that is gone fails all that waits at once, and is written to again when it is back', async () => {
  await storage.write(writing('a'));
  const { hostname, port } = new URL(database.url);
  await proxy.close();
  const waiting = Array.from({ length: 50 }, (_, index) => storage.write(writing(`lost ${index}`)));
  const results = await Promise.allSettled(waiting);
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));

  proxy = await TcpProxy.to({ host: hostname, port: Number(port) }, proxy.port);
  await storage.write(writing('b'));
  expect(await written()).toEqual(['a', 'b']);
});
