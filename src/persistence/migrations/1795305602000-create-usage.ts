import { type SqlWords, TableMigration } from './table-migration.js';

/** The tables of usage of tools, and of the counters of upstream services. */
export class CreateUsage1795305602000 extends TableMigration {
  readonly tables = ['metricast_tool_usage', 'metricast_tool_total', 'metricast_upstream_counter'];
  readonly statements = statements;
}

function statements({ bigGenerated, keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_tool_usage (
      "usage_id" ${bigGenerated},
      tenant_id varchar NOT NULL,
      tool_id varchar NOT NULL,
      session_id varchar,
      kind varchar NOT NULL,
      at bigint NOT NULL,
      count double precision NOT NULL,
      count_delta double precision NOT NULL,
      cache_hits double precision NOT NULL,
      cache_hits_delta double precision NOT NULL,
      original_tokens double precision NOT NULL,
      original_tokens_delta double precision NOT NULL,
      compressed_tokens double precision NOT NULL,
      compressed_tokens_delta double precision NOT NULL,
      tokens_saved double precision NOT NULL,
      tokens_saved_delta double precision NOT NULL,
      hits double precision NOT NULL,
      hits_delta double precision NOT NULL,
      misses double precision NOT NULL,
      misses_delta double precision NOT NULL
    )`,
    'CREATE INDEX metricast_tool_usage_time ON metricast_tool_usage (tenant_id, at)',

    `CREATE TABLE metricast_tool_total (
      tenant_id varchar NOT NULL,
      scope varchar NOT NULL,
      kind varchar NOT NULL,
      tool_id varchar NOT NULL,
      session_id varchar NOT NULL,
      count double precision NOT NULL,
      cache_hits double precision NOT NULL,
      original_tokens double precision NOT NULL,
      compressed_tokens double precision NOT NULL,
      tokens_saved double precision NOT NULL,
      hits double precision NOT NULL,
      misses double precision NOT NULL,
      PRIMARY KEY (tenant_id, scope, kind, tool_id, session_id)
    ) ${keyed}`,

    `CREATE TABLE metricast_upstream_counter (
      source varchar NOT NULL,
      name varchar NOT NULL,
      sequence bigint NOT NULL,
      value bigint NOT NULL,
      delta bigint NOT NULL,
      polled_at bigint NOT NULL,
      PRIMARY KEY (source, name, sequence)
    ) ${keyed}`,
  ];
}
