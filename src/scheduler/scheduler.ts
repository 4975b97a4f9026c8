import { Injectable, Logger, Optional } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { describeThrown } from '../protocol/index.js';

/**
 * Runs jobs at intervals, listed in the SchedulerRegistry of the host's ScheduleModule where it has one. The module
 * is not imported here: imported twice, it would run every `@Interval` of the host twice.
 */
@Injectable()
export class Scheduler {
  readonly #logger = new Logger(Scheduler.name);
  readonly #registry: SchedulerRegistry;

  constructor(@Optional() registry?: SchedulerRegistry) {
    this.#registry = registry ?? new SchedulerRegistry();
  }

  /** Runs the job at each interval, in milliseconds, until it is cancelled. One that fails is logged, and runs again. */
  every(name: string, interval: number, job: () => unknown): void {
    const run = async () => {
      try {
        await job();
      } catch (error) {
        this.#logger.error(`${name}: ${describeThrown(error)}`);
      }
    };
    this.#registry.addInterval(
      name,
      setInterval(() => void run(), interval),
    );
  }

  cancel(name: string): void {
    // The host's registry may have cleared it already, if the host shuts down first.
    if (this.#registry.doesExist('interval', name)) this.#registry.deleteInterval(name);
  }
}
