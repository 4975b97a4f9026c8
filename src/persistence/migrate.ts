import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';

/** The lock that instances take which start together: any number that nobody else uses for an advisory lock. */
const MIGRATION_LOCK = 7_331_940_221;
const POLL_MILLIS = 100;

/** Runs the migrations that are missing. Of several instances that start together, one does and the others wait. */
export async function migrate(dataSource: DataSource): Promise<void> {
  if (dataSource.options.type !== 'postgres') {
    await dataSource.runMigrations();
    return;
  }
  const runner = dataSource.createQueryRunner();
  try {
    await takeLock(runner);
    await runMigrations(dataSource.options);
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  } finally {
    await runner.release();
  }
}

/** Asks again and again: a statement that waited for the lock would be ended as all are that take too long. */
async function takeLock(runner: QueryRunner): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [answer] = (await runner.query('SELECT pg_try_advisory_lock($1) AS "isTaken"', [MIGRATION_LOCK])) as [
      { isTaken: boolean },
    ];
    if (answer.isTaken) return;
    if (attempt === 1) new Logger('Database').log('Another instance brings the tables up to date: waiting for it');
    await setTimeout(POLL_MILLIS);
  }
}

/** Through connections of its own: a migration may take longer than any other statement is let. */
async function runMigrations(options: DataSource['options'] & { type: 'postgres' }): Promise<void> {
  const extra = { ...(options.extra as object), statement_timeout: 0, query_timeout: 0 };
  const dataSource = await new DataSource({ ...options, extra }).initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}
