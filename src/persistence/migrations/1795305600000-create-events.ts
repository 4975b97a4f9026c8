import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of events. */
export class CreateEvents1795305600000 extends TableMigration {
  readonly tables = ['metricast_event', 'metricast_event_type'];
  readonly statements = statements;
}

function statements({ bigGenerated, keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_event (
      "event_id" ${bigGenerated},
      tenant_id varchar NOT NULL,
      channel varchar NOT NULL,
      type varchar NOT NULL,
      timestamp bigint NOT NULL,
      tags text NOT NULL,
      data text NOT NULL
    )`,
    'CREATE INDEX metricast_event_time ON metricast_event (tenant_id, channel, timestamp)',

    `CREATE TABLE metricast_event_type (
      tenant_id varchar NOT NULL,
      type varchar NOT NULL,
      channel varchar NOT NULL,
      PRIMARY KEY (tenant_id, type, channel)
    ) ${keyed}`,
    'CREATE INDEX metricast_event_type_channel ON metricast_event_type (tenant_id, channel)',
  ];
}
