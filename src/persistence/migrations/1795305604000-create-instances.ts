import { type SqlWords, TableMigration } from './table-migration.js';

/** The table of the instances that share the database. */
export class CreateInstances1795305604000 extends TableMigration {
  readonly tables = ['metricast_instance'];
  readonly statements = statements;
}

function statements({ keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_instance (
      instance_id varchar NOT NULL,
      started_at bigint NOT NULL,
      seen_at bigint NOT NULL,
      PRIMARY KEY (instance_id)
    ) ${keyed}`,
    'CREATE INDEX metricast_instance_seen_at ON metricast_instance (seen_at)',
  ];
}
