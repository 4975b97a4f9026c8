import type { DataSource } from 'typeorm';

/** The lock that instances take which start together: any number that nobody else uses for an advisory lock. */
const MIGRATION_LOCK = 7_331_940_221;

/** Runs the migrations that are missing. Of several instances that start together, one does and the others wait. */
export async function migrate(dataSource: DataSource): Promise<void> {
  if (dataSource.options.type !== 'postgres') {
    await dataSource.runMigrations();
    return;
  }
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  } finally {
    await runner.release();
  }
}
