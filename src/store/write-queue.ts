import { Logger } from '@nestjs/common';
import { MetricastError, type TenantId, loggable } from '../protocol/index.js';
import type { Write } from './statement.js';
import { type Transactor, WriteError } from './transactor.js';

/** Rows that may wait. At 100,000 rows a second, what waits is written within two seconds. */
export const MAX_ROWS_QUEUED = 200_000;
const RETRY_AFTER_SECONDS = 1;

/** Told of each transaction that was committed: about how many rows it wrote, and how long that took. */
export type CommitListener = (rows: number, milliseconds: number) => void;

/** A write, and about how many rows it writes. */
export interface SizedWrite<T> {
  readonly rows: number;
  readonly write: () => Write<T>;
}

interface Job extends SizedWrite<unknown> {
  /** In the order in which they were brought. */
  readonly number: number;
  /** The same one for all that was brought together. */
  readonly request: object;
  readonly tenant: TenantId | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one way to write: first in, first out. Whatever waits when a transaction begins is committed in it together, and
 * acknowledged after the commit. Where one write cannot be done, the others are tried again without it.
 */
export class WriteQueue {
  readonly #logger = new Logger(WriteQueue.name);
  #jobs: Job[] = [];
  #queuedRows = 0;
  #drained: Promise<void> | undefined;
  #underWay: Promise<void> | undefined;
  #newest: Promise<unknown> | undefined;
  #count = 0;
  #isBusy = false;
  readonly #commitListeners: CommitListener[] = [];

  constructor(
    private readonly transactor: Transactor,
    private readonly maxRows = MAX_ROWS_QUEUED,
  ) {}

  get queuedRows(): number {
    return this.#queuedRows;
  }

  /** True since a write found no room, until half of it is free again. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  onCommit(listener: CommitListener): void {
    this.#commitListeners.push(listener);
  }

  /**
   * Resolves with what the write returned once it is committed. It may be run more than once, and all but the last
   * run leave nothing behind, so it must do nothing but yield statements.
   *
   * @param rows about how many rows it writes.
   * @param tenant whose rows they are; absent where they are no tenant's.
   * @throws {@link MetricastError} `busy` where the queue is full or the database did not take it.
   */
  write<T>(rows: number, write: () => Write<T>, tenant?: TenantId): Promise<T> {
    if (!this.#hasRoom(rows)) return Promise.reject(busy());
    return this.#enqueue({ rows, write }, {}, tenant);
  }

  /**
   * Writes what is too much for one transaction: one after the other, each as {@link write} does. Where one fails, those
   * of them that are not committed yet are given up, and fail with it.
   *
   * @throws {@link MetricastError} `busy` at once, and does nothing, where there is no room for all of them.
   */
  writeAll<T>(writes: readonly SizedWrite<T>[], tenant?: TenantId): readonly Promise<T>[] {
    if (!this.#hasRoom(writes.reduce((sum, { rows }) => sum + rows, 0))) throw busy();
    const request = {};
    return writes.map((write) => this.#enqueue(write, request, tenant));
  }

  #hasRoom(rows: number): boolean {
    if (this.#queuedRows + rows <= this.maxRows) return true;
    // One that is larger than half of all the room may have been too large, and not too late.
    const isBusy = this.#queuedRows > this.maxRows / 2;
    if (isBusy && !this.#isBusy) this.#logger.warn(`No more writes are taken: ${this.#queuedRows} rows wait`);
    this.#isBusy = isBusy;
    return false;
  }

  #enqueue<T>({ rows, write }: SizedWrite<T>, request: object, tenant: TenantId | undefined): Promise<T> {
    const written = new Promise<T>((resolve, reject) => {
      this.#jobs.push({
        number: ++this.#count,
        write,
        rows,
        request,
        tenant,
        resolve: resolve as Job['resolve'],
        reject,
      });
      this.#queuedRows += rows;
      this.#drained ??= this.#drain();
    });
    this.#newest = written;
    return written;
  }

  /** Resolves when the transaction that is under way has ended, if there is one, and whose writes it had know. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  /** Resolves when all that was to be written until now is committed, or has failed. */
  async written(): Promise<void> {
    const newest = this.#count;
    await this.#newest?.catch(() => undefined);
    // It may have failed before others that were brought earlier are written.
    while (this.#jobs.length > 0 && this.#jobs[0]!.number <= newest) {
      await this.#underWay;
      await new Promise(setImmediate);
    }
    await this.#underWay;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#drained) await this.#drained;
  }

  async #drain(): Promise<void> {
    // A turn later, so that all that this turn brings in shares the first transaction.
    await new Promise(setImmediate);
    while (this.#jobs.length > 0) {
      this.#underWay = this.#commit(this.#takeNext());
      await this.#underWay;
      // Between two commits the sockets have their turn, or they would starve behind SQLite. What this commit published
      // leaves at the end of the first turn; the second one reads what came in.
      for (let turn = 0; turn < 2 && this.#jobs.length > 0; turn++) await new Promise(setImmediate);
    }
    this.#drained = undefined;
  }

  /** As many as one transaction takes. What was brought together is too much for one, and goes one after the other. */
  #takeNext(): Job[] {
    const requests = new Set<object>();
    let rows = 0;
    const end = this.#jobs.findIndex((job) => {
      rows += job.rows;
      const isTooMuch = requests.size > 0 && (rows > this.transactor.rowsAtOnce || requests.has(job.request));
      requests.add(job.request);
      return isTooMuch;
    });
    return this.#jobs.splice(0, end < 0 ? this.#jobs.length : end);
  }

  async #commit(taken: readonly Job[]): Promise<void> {
    for (let jobs = taken; jobs.length > 0;) {
      try {
        const tenants = new Set(jobs.map(({ tenant }) => tenant));
        const writes = jobs.map(({ write }) => write);
        const begin = performance.now();
        const results = await this.transactor.commit(writes, [...tenants]);
        const duration = performance.now() - begin;
        const rows = jobs.reduce((sum, job) => sum + job.rows, 0);
        jobs.forEach((job, index) => {
          this.#free(job.rows);
          job.resolve(results[index]);
        });
        for (const listener of this.#commitListeners) listener(rows, duration);
        return;
      } catch (error) {
        jobs = this.#fail(jobs, error);
      }
    }
  }

  /**
   * Gives up the jobs that failed, and all that was brought together with them; returns the others. All fail where none
   * is to blame: then the database does not answer, or broke off while it committed and may have done so. Only who sent
   * them knows whether they may be sent again.
   */
  #fail(jobs: readonly Job[], error: unknown): readonly Job[] {
    const blamed = error instanceof WriteError ? [jobs[error.index]!] : jobs;
    const requests = new Set(blamed.map(({ request }) => request));
    const isGivenUp = ({ request }: Job) => requests.has(request);
    const failed = [...jobs, ...this.#jobs].filter(isGivenUp);
    const others = jobs.filter((job) => !isGivenUp(job));
    this.#jobs = this.#jobs.filter((job) => !isGivenUp(job));
    this.#logger.error(
      `${failed.length} of ${failed.length + others.length} writes failed: ${loggable(String(error))}`,
    );
    for (const { rows, reject } of failed) {
      this.#free(rows);
      reject(busy(error));
    }
    return others;
  }

  #free(rows: number): void {
    this.#queuedRows -= rows;
    if (this.#queuedRows <= this.maxRows / 2) this.#isBusy = false;
  }
}

function busy(cause?: unknown): MetricastError {
  return new MetricastError('busy', { retryAfter: RETRY_AFTER_SECONDS, cause });
}
