import Database from 'better-sqlite3';

/**
 * What SQLite itself can take: the same rows, 1,000 a transaction, by one prepared statement in a process that does
 * nothing else. Runs for as many seconds as it is asked to, and answers how many rows it committed.
 */
const ROWS_A_TRANSACTION = 1000;

const [path, series, dist] = process.argv.slice(2) as [string, string, string];
const seriesCount = Number(series);
const { connectionFor } = (await import(
  new URL('persistence/database-url.js', dist).href
)) as typeof import('../../src/persistence/database-url.js');
// Opened as the server opens its own.
const { prepareDatabase } = connectionFor(`sqlite:${path}`) as {
  prepareDatabase: (database: Database.Database) => void;
};
const database = new Database(path);
prepareDatabase(database);

const insert = database.prepare('INSERT INTO metricast_metric_point (series_id, timestamp, value) VALUES (?, ?, ?)');
let next = 0;
const commit = database.transaction(() => {
  const now = Date.now();
  for (let row = 0; row < ROWS_A_TRANSACTION; row++) {
    insert.run(1 + (next % seriesCount), now, ((next++ * 7919) % 100_000) / 1000);
  }
});

process.on('message', ({ ask, argument: seconds }: { ask: string; argument: number }) => {
  const before = next;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) commit();
  process.send!({ answer: ask, value: next - before });
});
