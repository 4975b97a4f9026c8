import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of what applies to tenants, and of who changed it. */
export class CreateTenants1795392000000 extends TableMigration {
  readonly tables = ['metricast_audit', 'metricast_tenant_settings', 'metricast_performance_profile'];
  readonly statements = statements;
}

function statements({ bigGenerated, sortedText, keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_performance_profile (
      name ${sortedText} NOT NULL,
      mode varchar NOT NULL,
      collection_interval_seconds double precision NOT NULL,
      max_events_per_minute integer NOT NULL,
      description varchar NOT NULL,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL,
      PRIMARY KEY (name)
    ) ${keyed}`,
    `CREATE TABLE metricast_tenant_settings (
      tenant_id ${sortedText} NOT NULL,
      metrics_streaming boolean,
      collection_interval_seconds double precision,
      max_events_per_minute integer,
      features text,
      performance_profile varchar,
      limits text,
      retention_days integer,
      allowed_origins text,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL,
      PRIMARY KEY (tenant_id)
    ) ${keyed}`,
    'CREATE INDEX metricast_tenant_settings_updated_at ON metricast_tenant_settings (updated_at)',
    'CREATE INDEX metricast_tenant_settings_profile ON metricast_tenant_settings (performance_profile)',
    `CREATE TABLE metricast_audit (
      "audit_id" ${bigGenerated},
      at bigint NOT NULL,
      actor varchar NOT NULL,
      tenant_id varchar,
      action varchar NOT NULL,
      before text,
      after text
    )`,
    'CREATE INDEX metricast_audit_tenant ON metricast_audit (tenant_id, audit_id)',
  ];
}
