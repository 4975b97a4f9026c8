import { Logger } from '@nestjs/common';
import { MetricastError } from '../protocol/index.js';
import type { Write } from './statement.js';
import type { Transactor } from './transactor.js';

/** Rows that one transaction takes, unless a single write has more. */
const MAX_ROWS_A_COMMIT = 1000;
/** Rows that may wait. At 100,000 rows a second, what waits is written within two seconds. */
const MAX_ROWS_QUEUED = 200_000;
const RETRY_AFTER_SECONDS = 1;

interface Job {
  readonly write: () => Write<unknown>;
  readonly rows: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one way to write: first in, first out. Whatever waits when a transaction begins is committed in it together, and
 * acknowledged after the commit. Writes that failed together are tried again one by one, so that none fails for
 * another's fault.
 */
export class WriteQueue {
  readonly #logger = new Logger(WriteQueue.name);
  #jobs: Job[] = [];
  #queuedRows = 0;
  #drained: Promise<void> | undefined;
  readonly #rollbackListeners: (() => void)[] = [];

  constructor(
    private readonly transactor: Transactor,
    private readonly maxRows = MAX_ROWS_QUEUED,
  ) {}

  get queuedRows(): number {
    return this.#queuedRows;
  }

  /**
   * Resolves with what the write returned once it is committed. It may be run more than once, and all but the last
   * run left nothing behind, so it must do nothing but yield statements.
   *
   * @param rows about how many rows it writes.
   * @throws {@link MetricastError} `busy` where the queue is full or the database did not take it.
   */
  write<T>(rows: number, write: () => Write<T>): Promise<T> {
    if (this.#queuedRows + rows > this.maxRows) return Promise.reject(busy());
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ write, rows, resolve: resolve as Job['resolve'], reject });
      this.#queuedRows += rows;
      this.#drained ??= this.#drain();
    });
  }

  /** Calls the listener after each transaction that failed: what was learned inside of it is not so. */
  onRollback(listener: () => void): void {
    this.#rollbackListeners.push(listener);
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#drained) await this.#drained;
  }

  async #drain(): Promise<void> {
    // A turn later, so that all that this turn brings in shares the first transaction.
    await new Promise(setImmediate);
    while (this.#jobs.length > 0) {
      await this.#commit(this.#takeNext());
      // Between two commits the event loop has its turn, or the sockets would starve behind SQLite.
      if (this.#jobs.length > 0) await new Promise(setImmediate);
    }
    this.#drained = undefined;
  }

  #takeNext(): Job[] {
    let count = 1;
    let rows = this.#jobs[0]!.rows;
    while (count < this.#jobs.length && rows + this.#jobs[count]!.rows <= MAX_ROWS_A_COMMIT) {
      rows += this.#jobs[count++]!.rows;
    }
    return this.#jobs.splice(0, count);
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    try {
      const results = await this.transactor.commit(jobs.map(({ write }) => write));
      jobs.forEach((job, index) => {
        this.#queuedRows -= job.rows;
        job.resolve(results[index]);
      });
    } catch (error) {
      for (const listener of this.#rollbackListeners) listener();
      if (jobs.length > 1) {
        this.#logger.warn(`${jobs.length} writes failed together and are tried one by one: ${String(error)}`);
        for (const job of jobs) await this.#commit([job]);
        return;
      }
      this.#logger.error(`A write failed: ${String(error)}`);
      const [job] = jobs as [Job];
      this.#queuedRows -= job.rows;
      job.reject(error instanceof MetricastError ? error : busy(error));
    }
  }
}

function busy(cause?: unknown): MetricastError {
  return new MetricastError('busy', { retryAfter: RETRY_AFTER_SECONDS, cause });
}
