import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Makes tables, written alike for both databases but for a few words. */
export abstract class TableMigration implements MigrationInterface {
  abstract readonly tables: readonly string[];
  /**
   * The statements that make the tables and their indexes. Generated columns are in quotes because TypeORM, reading a
   * table's text in SQLite, sees no others.
   */
  abstract readonly statements: (words: SqlWords) => string[];

  async up(runner: QueryRunner): Promise<void> {
    const words = runner.dataSource.options.type === 'postgres' ? POSTGRES_WORDS : SQLITE_WORDS;
    for (const statement of this.statements(words)) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of this.tables) await runner.query(`DROP TABLE ${table}`);
  }
}

/** What the two databases say differently. */
export type SqlWords = typeof POSTGRES_WORDS;

const POSTGRES_WORDS = {
  generated: 'SERIAL PRIMARY KEY',
  bigGenerated: 'BIGSERIAL PRIMARY KEY',
  sortedText: 'varchar COLLATE "C"',
  keyed: '',
};

const SQLITE_WORDS = {
  generated: 'INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL',
  bigGenerated: 'INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL',
  sortedText: 'varchar',
  // For tables that are read by their key alone: the rows stand in the key's order, where neighbours are read together.
  keyed: 'WITHOUT ROWID',
};
