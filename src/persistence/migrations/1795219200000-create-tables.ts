import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of recorded metrics and skills. */
export class CreateTables1795219200000 extends TableMigration {
  readonly tables = TABLES;
  readonly statements = statements;
}

const TABLES = [
  'metricast_recorded_id',
  'metricast_metric_series',
  'metricast_metric_point',
  'metricast_skill',
  'metricast_skill_invocation',
  'metricast_skill_minute',
  'metricast_skill_anomaly',
];

function statements({ generated, bigGenerated, sortedText, keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_recorded_id (
      tenant_id varchar NOT NULL,
      kind varchar NOT NULL,
      id varchar NOT NULL,
      recorded_at bigint NOT NULL,
      PRIMARY KEY (tenant_id, kind, id)
    ) ${keyed}`,
    'CREATE INDEX metricast_recorded_id_recorded_at ON metricast_recorded_id (recorded_at)',

    `CREATE TABLE metricast_metric_series (
      "series_id" ${generated},
      identity varchar NOT NULL,
      tenant_id varchar NOT NULL,
      channel varchar NOT NULL,
      name varchar NOT NULL,
      type varchar NOT NULL,
      tags text NOT NULL
    )`,
    'CREATE UNIQUE INDEX metricast_metric_series_identity ON metricast_metric_series (identity)',
    'CREATE INDEX metricast_metric_series_channel ON metricast_metric_series (tenant_id, channel, name)',

    `CREATE TABLE metricast_metric_point (
      "point_id" ${bigGenerated},
      series_id integer NOT NULL,
      timestamp bigint NOT NULL,
      value double precision NOT NULL
    )`,
    'CREATE INDEX metricast_metric_point_series_time ON metricast_metric_point (series_id, timestamp)',

    `CREATE TABLE metricast_skill (
      tenant_id varchar NOT NULL,
      skill_name ${sortedText} NOT NULL,
      total_invocations bigint NOT NULL,
      completed_invocations bigint NOT NULL,
      timed_invocations bigint NOT NULL,
      total_duration_seconds double precision NOT NULL,
      last_run_at bigint NOT NULL,
      PRIMARY KEY (tenant_id, skill_name)
    )`,
    'CREATE INDEX metricast_skill_top ON metricast_skill (tenant_id, total_invocations DESC, skill_name)',
    'CREATE INDEX metricast_skill_last_run_at ON metricast_skill (last_run_at)',

    `CREATE TABLE metricast_skill_invocation (
      "invocation_id" ${bigGenerated},
      tenant_id varchar NOT NULL,
      skill_name varchar NOT NULL,
      completed boolean NOT NULL,
      duration_seconds double precision,
      session_id varchar,
      tool_id varchar,
      error_type varchar,
      ran_at bigint NOT NULL
    )`,
    'CREATE INDEX metricast_skill_invocation_time ON metricast_skill_invocation (tenant_id, skill_name, ran_at)',

    `CREATE TABLE metricast_skill_minute (
      tenant_id varchar NOT NULL,
      skill_name varchar NOT NULL,
      minute bigint NOT NULL,
      runs bigint NOT NULL,
      completed bigint NOT NULL,
      PRIMARY KEY (tenant_id, skill_name, minute)
    ) ${keyed}`,

    `CREATE TABLE metricast_skill_anomaly (
      "anomaly_id" ${generated},
      tenant_id varchar NOT NULL,
      skill_name varchar NOT NULL,
      anomaly_type varchar NOT NULL,
      deviation_score double precision NOT NULL,
      detected_at bigint NOT NULL,
      resolved_at bigint
    )`,
    'CREATE INDEX metricast_skill_anomaly_newest ON metricast_skill_anomaly (tenant_id, detected_at)',
    `CREATE UNIQUE INDEX metricast_skill_anomaly_open
      ON metricast_skill_anomaly (tenant_id, skill_name) WHERE resolved_at IS NULL`,
  ];
}
