import type { QueryRunner } from 'typeorm';
import { type SqlWords, TableMigration } from './table-migration.js';

const DAY_MILLIS = 86_400_000;

/**
 * The table of rollups, by how much each point of a counter grew, and when a series was last written to. Of points that
 * were recorded before, the increase stays unknown, and there are no rollups.
 */
export class CreateRollups1795392200000 extends TableMigration {
  readonly tables = ['metricast_rollup'];
  readonly statements = statements;

  override async down(runner: QueryRunner): Promise<void> {
    await super.down(runner);
    await runner.query('ALTER TABLE metricast_metric_series DROP COLUMN seen_on');
    await runner.query('ALTER TABLE metricast_metric_point DROP COLUMN increase');
  }
}

function statements({ keyed }: SqlWords): string[] {
  return [
    'ALTER TABLE metricast_metric_point ADD COLUMN increase double precision',
    // All series are seen on this day, and so are those that a version begins which knows nothing of it and is still running.
    `ALTER TABLE metricast_metric_series ADD COLUMN seen_on integer NOT NULL
       DEFAULT ${Math.floor(Date.now() / DAY_MILLIS)}`,
    `CREATE TABLE metricast_rollup (
      resolution integer NOT NULL,
      bucket bigint NOT NULL,
      series_id integer NOT NULL,
      count bigint NOT NULL,
      sum double precision NOT NULL,
      min double precision NOT NULL,
      max double precision NOT NULL,
      last double precision NOT NULL,
      last_at bigint NOT NULL,
      increase double precision NOT NULL,
      sketch text,
      PRIMARY KEY (resolution, bucket, series_id)
    ) ${keyed}`,
  ];
}
