import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Millis, type TenantId, describeThrown } from '../protocol/index.js';
import { Scheduler } from '../scheduler/index.js';
import { ChannelDirectory } from './channel-directory.js';
import { IdRetention } from './id-retention.js';
import { RETENTION_DAYS, type RetentionDays } from './levels.js';
import { LOG_TABLES, LogRetention, type LogTable } from './log-retention.js';
import { PointRetention } from './point-retention.js';
import { RetentionClock } from './retention-clock.js';
import { RetentionPace } from './retention-pace.js';
import { type DeletionStep, type RetentionReader, ROWS_A_STEP } from './retention-step.js';
import { RollupRetention } from './rollup-retention.js';
import { SeriesRetention } from './series-retention.js';
import { SeriesStore } from './series-store.js';
import { SqlReader } from './sql-reader.js';
import { WriteQueue } from './write-queue.js';

const JOB = 'metricast:retention';
const INTERVAL: Millis = 60_000;

/**
 * Deletes what is older than it is kept: each minute, on each instance, in small steps that do no harm where another
 * instance has taken them already.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger(Retention.name);
  readonly #rollups: RollupRetention;
  readonly #points: PointRetention;
  readonly #series: SeriesRetention;
  readonly #logs: LogRetention;
  readonly #ids: IdRetention;
  readonly #end = new AbortController();
  readonly #deleted = new Map<string, number>();
  /** The steps that are under way. */
  #steps = 0;
  /** What failed when it was last done. */
  readonly #failing = new Set<string>();
  #run: Promise<void> | undefined;
  readonly #pace = new RetentionPace((duration) => setTimeout(duration, undefined, { signal: this.#end.signal }));
  readonly #clock: RetentionClock;

  constructor(
    reader: SqlReader,
    private readonly queue: WriteQueue,
    private readonly scheduler: Scheduler,
    @Inject(RETENTION_DAYS) private readonly days: RetentionDays,
    @Inject(LOG_TABLES) private readonly logs: readonly LogTable[],
    series: SeriesStore,
    directory: ChannelDirectory,
  ) {
    const untilEnd: RetentionReader = {
      rows: async (sql, values) => {
        this.#end.signal.throwIfAborted();
        await this.#pace.rest();
        const { rows, took } = await reader.timed(sql, values);
        this.#pace.worked(took);
        return rows;
      },
    };
    this.#clock = new RetentionClock(() => newestIn(untilEnd, logs));
    this.#rollups = new RollupRetention(untilEnd);
    this.#points = new PointRetention(untilEnd);
    this.#series = new SeriesRetention(untilEnd, (tenant) => {
      series.forgetRoom(tenant);
      directory.forget(tenant);
    });
    this.#logs = new LogRetention(untilEnd);
    this.#ids = new IdRetention(untilEnd);
  }

  /** How many rows this instance has deleted, by table. */
  get deleted(): ReadonlyMap<string, number> {
    return this.#deleted;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#try('Rows', async () => void (await this.#clock.learn()));
    this.scheduler.every(JOB, INTERVAL, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    this.scheduler.cancel(JOB);
    this.#end.abort();
    await this.#run;
  }

  /**
   * Deletes all that is due; where no time is given by the clock, if that is to be believed. Does not reject. One run at
   * a time: who asks for another while one is under way is given that one.
   */
  run(now?: Millis): Promise<void> {
    this.#run ??= this.#begin(now).finally(() => (this.#run = undefined));
    return this.#run;
  }

  async #begin(given: Millis | undefined): Promise<void> {
    const before = new Map(this.#deleted);
    await this.#try('Rows', async () => this.#deleteAll(given ?? (await this.#clock.now())));
    for (const [table, rows] of this.#deleted) {
      const count = rows - (before.get(table) ?? 0);
      if (count > 0) this.#logger.debug(`${count} rows of ${table} were too old, and are deleted`);
    }
  }

  async #deleteAll(now: Millis): Promise<void> {
    const days = this.days.all();
    await this.#try('Rollups', () => this.#rollups.delete(now, days, this.#step));
    await this.#try('Points', () => this.#points.delete(now, this.#step));
    await this.#try('Series', () => this.#series.delete(now, this.days, this.#step));
    for (const log of this.logs) {
      await this.#try(`Rows of ${log.table}`, () => this.#logs.delete(log, now, days, this.#step));
    }
    await this.#try('Ids', () => this.#ids.delete(now, this.#step));
  }

  /** One part that fails holds up none of the others. */
  async #try(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failing.delete(what);
    } catch (error) {
      if (this.#end.signal.aborted) return;
      const isKnown = this.#failing.has(what);
      this.#failing.add(what);
      if (!isKnown) this.#logger.error(`${what} that are too old cannot be deleted now: ${describeThrown(error)}`);
    }
  }

  readonly #step: DeletionStep = async (table, write, tenant?: TenantId) => {
    // Of the statements alone: neither the wait in the queue nor what others write in the same transaction is its work.
    let took = 0;
    const timed = function* () {
      const begin = performance.now();
      const result = yield* write();
      took = performance.now() - begin;
      return result;
    };
    this.#steps++;
    try {
      const deletion = await this.queue.write(ROWS_A_STEP, timed, tenant);
      this.#pace.worked(took);
      this.#deleted.set(table, (this.#deleted.get(table) ?? 0) + deletion.deleted);
      return deletion;
    } finally {
      if (--this.#steps === 0) await this.#pace.rest();
    }
  };
}

/** When the newest was recorded of what there is. */
async function newestIn(reader: RetentionReader, logs: readonly LogTable[]): Promise<Millis | undefined> {
  const queries = [
    'SELECT MAX(bucket) AS at FROM metricast_rollup WHERE resolution = 3600',
    ...logs.map(({ table, number, at }) => `SELECT ${at} AS at FROM ${table} ORDER BY ${number} DESC LIMIT 1`),
  ];
  const found: number[] = [];
  for (const sql of queries) for (const { at } of await reader.rows(sql, [])) if (at !== null) found.push(Number(at));
  return found.length > 0 ? Math.max(...found) : undefined;
}
