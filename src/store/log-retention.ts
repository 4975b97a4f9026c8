import type { Millis, TenantId } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import { DAY } from './levels.js';
import { type DeletionStep, type RetentionReader, deletion, sweep } from './retention-step.js';
import { Marks, type Term, termsOf } from './retention-terms.js';
import type { Statement } from './statement.js';

/** How long such rows are kept, where their tenant has no shorter time. */
export const LOG_KEPT_FOR: Millis = 30 * DAY;
/** How far ahead of the time at which it is recorded a row may be. */
export const MAX_AHEAD: Millis = 300_000;

/** A table of what has happened, with a `tenant_id`, numbered in the order in which it was recorded. */
export interface LogTable {
  readonly table: string;
  /** The column that numbers the rows. */
  readonly number: string;
  /** The column of when it happened. */
  readonly at: string;
}

/** The log of events. */
export const EVENT_LOG: LogTable = { table: 'metricast_event', number: 'event_id', at: 'timestamp' };

/** The injection token of all such tables, a list of {@link LogTable}. */
export const LOG_TABLES = Symbol('metricast.log-tables');

interface FoundRow {
  readonly number: number;
  readonly at: Millis;
  readonly tenant: TenantId;
}

/**
 * Deletes from a log what is older than it is kept, in the order in which it was recorded: a row that was recorded late
 * goes when what was recorded before it does.
 */
export class LogRetention {
  readonly #marks = new Marks<number>();

  constructor(private readonly reader: RetentionReader) {}

  async delete(log: LogTable, now: Millis, days: ReadonlyMap<TenantId, number>, step: DeletionStep): Promise<void> {
    for (const term of termsOf(LOG_KEPT_FOR, days)) await this.#deleteOf(log, term, now, step);
  }

  async #deleteOf(log: LogTable, term: Term, now: Millis, step: DeletionStep): Promise<void> {
    const before = now - (term.days === null ? LOG_KEPT_FOR : term.days * DAY);
    let after = this.#marks.from(log.table, term, now) ?? 0;
    await sweep(
      {
        table: log.table,
        find: async (count) => {
          const found = await this.#find(log, after, count);
          // What is stamped with a time to come was recorded while a clock was wrong: it holds up nothing.
          const end = found.findIndex(({ at }) => at >= before && at <= now + MAX_AHEAD);
          return end < 0 ? found : found.slice(0, end);
        },
        deletionOf: (rows) => {
          const old = rows.filter(({ at, tenant }) => at < before && (term.tenants?.has(tenant) ?? true));
          return old.length > 0 ? () => deletion(deletionsOf(log, old)) : undefined;
        },
        passed: (last) => {
          after = last.number;
          this.#marks.passed(log.table, term, after);
        },
      },
      step,
    );
  }

  async #find({ table, number, at }: LogTable, after: number, count: number): Promise<FoundRow[]> {
    const rows = await this.reader.rows(
      `SELECT ${number} AS number, ${at} AS at, tenant_id FROM ${table}
       WHERE ${number} > $1 ORDER BY ${number} LIMIT ${count}`,
      [after],
    );
    return rows.map((row) => ({
      number: Number(row['number']),
      at: Number(row['at']),
      tenant: row['tenant_id'] as TenantId,
    }));
  }
}

function deletionsOf({ table, number }: LogTable, rows: readonly FoundRow[]): Iterable<Statement> {
  return keyedStatements(
    [number],
    rows.map((row) => [row.number]),
    `DELETE FROM ${table} WHERE ${number} IN (SELECT ${number} FROM keyed) RETURNING ${number}`,
  );
}
