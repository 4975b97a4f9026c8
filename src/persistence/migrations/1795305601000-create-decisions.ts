import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of routing decisions. */
export class CreateDecisions1795305601000 extends TableMigration {
  readonly tables = ['metricast_decision', 'metricast_decision_bucket', 'metricast_decision_name'];
  readonly statements = statements;
}

function statements({ bigGenerated, keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_decision (
      "decision_id" ${bigGenerated},
      tenant_id varchar NOT NULL,
      strategy varchar NOT NULL,
      provider varchar NOT NULL,
      model varchar,
      confidence double precision NOT NULL,
      cost double precision NOT NULL,
      decided_at bigint NOT NULL
    )`,
    'CREATE INDEX metricast_decision_time ON metricast_decision (tenant_id, decided_at)',

    `CREATE TABLE metricast_decision_bucket (
      tenant_id varchar NOT NULL,
      dimension varchar NOT NULL,
      width bigint NOT NULL,
      start bigint NOT NULL,
      name varchar NOT NULL,
      count bigint NOT NULL,
      cost double precision NOT NULL,
      confidence double precision NOT NULL,
      high bigint NOT NULL,
      medium bigint NOT NULL,
      low bigint NOT NULL,
      PRIMARY KEY (tenant_id, dimension, width, start, name)
    ) ${keyed}`,

    `CREATE TABLE metricast_decision_name (
      tenant_id varchar NOT NULL,
      dimension varchar NOT NULL,
      name varchar NOT NULL,
      PRIMARY KEY (tenant_id, dimension, name)
    ) ${keyed}`,
  ];
}
