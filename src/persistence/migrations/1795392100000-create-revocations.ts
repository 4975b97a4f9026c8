import { type SqlWords, TableMigration } from './table-migration.js';

/** The table of tokens that are not taken any more. */
export class CreateRevocations1795392100000 extends TableMigration {
  readonly tables = ['metricast_revocation'];
  readonly statements = statements;
}

function statements({ keyed }: SqlWords): string[] {
  return [
    `CREATE TABLE metricast_revocation (
      kind varchar NOT NULL,
      value varchar NOT NULL,
      tenant_id varchar NOT NULL,
      revoked_at bigint NOT NULL,
      PRIMARY KEY (kind, value, tenant_id)
    ) ${keyed}`,
    'CREATE INDEX metricast_revocation_revoked_at ON metricast_revocation (revoked_at)',
  ];
}
