import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Millis, type TenantId, describeThrown } from '../protocol/index.js';
import { Scheduler } from '../scheduler/index.js';
import { ChannelDirectory } from './channel-directory.js';
import { IdRetention } from './id-retention.js';
import { RETENTION_DAYS, type RetentionDays } from './levels.js';
import { LOG_TABLES, LogRetention, type LogTable } from './log-retention.js';
import { PointRetention } from './point-retention.js';
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
  #run: Promise<void> | undefined;
  #hasFailed = false;

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
        return reader.rows(sql, values);
      },
    };
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

  onApplicationBootstrap(): void {
    this.scheduler.every(JOB, INTERVAL, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    this.scheduler.cancel(JOB);
    this.#end.abort();
    await this.#run;
  }

  /** Deletes all that is due. One run at a time: who asks for another while one is under way is given that one. */
  run(now: Millis = Date.now()): Promise<void> {
    this.#run ??= this.#begin(now).finally(() => (this.#run = undefined));
    return this.#run;
  }

  async #begin(now: Millis): Promise<void> {
    const before = new Map(this.#deleted);
    try {
      await this.#deleteAll(now);
      this.#hasFailed = false;
    } catch (error) {
      if (this.#end.signal.aborted) return;
      if (!this.#hasFailed) this.#logger.error(`What is too old cannot be deleted now: ${describeThrown(error)}`);
      this.#hasFailed = true;
    }
    for (const [table, rows] of this.#deleted) {
      const count = rows - (before.get(table) ?? 0);
      if (count > 0) this.#logger.debug(`${count} rows of ${table} were too old, and are deleted`);
    }
  }

  async #deleteAll(now: Millis): Promise<void> {
    const days = this.days.all();
    await this.#rollups.delete(now, days, this.#step);
    await this.#points.delete(now, this.#step);
    await this.#series.delete(now, this.days, this.#step);
    for (const log of this.logs) await this.#logs.delete(log, now, days, this.#step);
    await this.#ids.delete(now, this.#step);
  }

  readonly #step: DeletionStep = async (table, write, tenant?: TenantId) => {
    const begin = performance.now();
    const deletion = await this.queue.write(ROWS_A_STEP, write, tenant);
    this.#deleted.set(table, (this.#deleted.get(table) ?? 0) + deletion.deleted);
    // As long as it took, so that there is always half of the database left for everything else.
    await setTimeout(performance.now() - begin, undefined, { signal: this.#end.signal });
    return deletion;
  };
}
