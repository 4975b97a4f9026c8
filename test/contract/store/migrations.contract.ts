import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../../src/persistence/data-source.js';
import { MetricSeries } from '../../../src/store/metric-series.entity.js';
import type { TestDatabase } from '../../support/databases.js';

/** The migrations, each time on a database of their own. */
export function migrationsContract(createDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeEach(async () => {
    database = await createDatabase();
    dataSource = await openDataSource(database.url);
  });

  afterEach(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const differences = async () => {
    // The day on which the column was added, which no entity can know.
    const seenOn = dataSource.getMetadata(MetricSeries).findColumnWithPropertyName('seenOn')!;
    seenOn.default = today();
    // An entity has one type for both databases: PostgreSQL's `bigint`. In SQLite only an `INTEGER` can be generated,
    // which holds as much.
    if (dataSource.options.type !== 'postgres') {
      const generated = dataSource.entityMetadatas.flatMap(({ columns }) => columns.filter((one) => one.isGenerated));
      for (const column of generated) column.type = 'integer';
    }
    return (await dataSource.driver.createSchemaBuilder().log()).upQueries;
  };

  it('make what the entities say', async () => {
    expect(await differences()).toEqual([]);
  });

  it('a series of a version that does not say when it was seen counts as seen when that came to be known', async () => {
    await dataSource.query(
      `INSERT INTO metricast_metric_series (identity, tenant_id, channel, name, type, tags)
       VALUES ('i', 't', 'c.metrics', 'n', 'gauge', '')`,
    );

    expect(await dataSource.query('SELECT seen_on FROM metricast_metric_series')).toEqual([{ seen_on: today() }]);
  });

  it('go back to nothing, and forth again', async () => {
    const before = await tablesOf(dataSource);
    expect(before).toHaveLength(dataSource.entityMetadatas.length + 1);

    for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
    expect(await tablesOf(dataSource)).toEqual([MIGRATIONS_TABLE]);

    await dataSource.runMigrations();
    expect(await tablesOf(dataSource)).toEqual(before);
    expect(await differences()).toHaveLength(0);
  });

  it('run once', async () => {
    await dataSource.query(`INSERT INTO metricast_recorded_id VALUES ('t', 'k', 'i', 1)`);
    await dataSource.destroy();
    dataSource = await openDataSource(database.url);

    expect(await dataSource.query('SELECT id FROM metricast_recorded_id')).toEqual([{ id: 'i' }]);
    expect(await dataSource.query(`SELECT name FROM ${MIGRATIONS_TABLE}`)).toHaveLength(dataSource.migrations.length);
  });
}

function today(): number {
  return Math.floor(Date.now() / 86_400_000);
}

const MIGRATIONS_TABLE = 'metricast_migration';

async function tablesOf(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const names = (await runner.getTables()).map(({ name }) => name.split('.').at(-1)!);
    return names.filter((name) => name.startsWith('metricast_')).sort();
  } finally {
    await runner.release();
  }
}
