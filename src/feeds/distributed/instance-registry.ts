import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { Scheduler } from '../../scheduler/index.js';
import { type Millis, describeThrown } from '../../protocol/index.js';
import { DATA_SOURCE, WriteQueue } from '../../store/index.js';
import { Instance } from './instance.entity.js';

const JOB = 'metricast:instance:seen';
const INTERVAL: Millis = 5000;
/** Three intervals: a write may be late without its instance being gone. */
const ACTIVE_FOR: Millis = 3 * INTERVAL;
const KNOWN_FOR: Millis = 24 * 3_600_000;

/** How many instances share the database. */
export interface InstanceCounts {
  /** Seen in the last 15 seconds. */
  readonly active: number;
  /** Seen in the last 24 hours, and not ended in good order since. */
  readonly total: number;
}

/**
 * The instances of this service that share the database: each writes every 5 seconds that it runs. Instants are those
 * of the writer's clock, so the clocks of several machines have to agree to a few seconds.
 */
@Injectable()
export class InstanceRegistry implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger(InstanceRegistry.name);
  readonly #id = randomUUID();
  readonly #startedAt: Millis = Date.now();

  constructor(
    @InjectRepository(Instance, DATA_SOURCE) private readonly instances: Repository<Instance>,
    private readonly queue: WriteQueue,
    private readonly scheduler: Scheduler,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.scheduler.every(JOB, INTERVAL, () => this.#seen());
    // Waited for, so that the first state that anybody sees counts this instance.
    await this.#begin().catch((error: unknown) => {
      this.#logger.warn(`This instance could not be written down, and will be soon: ${describeThrown(error)}`);
    });
  }

  onModuleDestroy(): void {
    this.scheduler.cancel(JOB);
    // Not waited for: the database is closed when all that is queued is committed. Where this cannot be, the instance
    // is inactive a few seconds later by itself.
    this.#end().catch(() => undefined);
  }

  async counts(now: Millis): Promise<InstanceCounts> {
    const [active, total] = await Promise.all([
      this.instances.countBy({ seenAt: MoreThan(now - ACTIVE_FOR) }),
      this.instances.countBy({ seenAt: MoreThan(now - KNOWN_FOR) }),
    ]);
    return { active, total };
  }

  async #begin(): Promise<void> {
    await this.#seen();
    const now = Date.now();
    // An instance that was killed leaves its row to the next one that starts.
    await this.queue.write(1, function* () {
      yield { sql: 'DELETE FROM metricast_instance WHERE seen_at <= $1', values: [now - KNOWN_FOR] };
    });
  }

  #seen(): Promise<void> {
    const row = [this.#id, this.#startedAt, Date.now()];
    return this.queue.write(1, function* () {
      yield {
        into: 'metricast_instance',
        columns: ['instance_id', 'started_at', 'seen_at'],
        rows: [row],
        onConflict: 'ON CONFLICT (instance_id) DO UPDATE SET seen_at = excluded.seen_at',
      };
    });
  }

  #end(): Promise<void> {
    const id = this.#id;
    return this.queue.write(1, function* () {
      yield { sql: 'DELETE FROM metricast_instance WHERE instance_id = $1', values: [id] };
    });
  }
}
