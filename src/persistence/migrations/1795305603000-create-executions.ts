import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of executions. */
export class CreateExecutions1795305603000 extends TableMigration {
  readonly tables = ['metricast_execution', 'metricast_execution_total', 'metricast_execution_runtime'];
  readonly statements = statements;
}

function statements({ keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_execution (
      tenant_id varchar NOT NULL,
      run_id varchar NOT NULL,
      agent_id varchar NOT NULL,
      user_id varchar,
      kind varchar,
      tool_id varchar,
      session_id varchar,
      status varchar NOT NULL,
      started_at bigint,
      completed_at bigint,
      success boolean,
      runtime_seconds double precision,
      credits_consumed double precision,
      PRIMARY KEY (tenant_id, run_id)
    )`,
    `CREATE INDEX metricast_execution_running
      ON metricast_execution (tenant_id, started_at, agent_id) WHERE status = 'started'`,

    `CREATE TABLE metricast_execution_total (
      tenant_id varchar NOT NULL,
      kind varchar NOT NULL,
      tool_id varchar NOT NULL,
      session_id varchar NOT NULL,
      total bigint NOT NULL,
      successful bigint NOT NULL,
      failed bigint NOT NULL,
      timed bigint NOT NULL,
      runtime double precision NOT NULL,
      credits double precision NOT NULL,
      PRIMARY KEY (tenant_id, kind, tool_id, session_id)
    ) ${keyed}`,

    `CREATE TABLE metricast_execution_runtime (
      tenant_id varchar NOT NULL,
      kind varchar NOT NULL,
      bin integer NOT NULL,
      count bigint NOT NULL,
      PRIMARY KEY (tenant_id, kind, bin)
    ) ${keyed}`,
  ];
}
