import type { Logger } from '@nestjs/common';
import { type Millis, describeThrown } from '../protocol/index.js';
import type { Scheduler } from './scheduler.js';

/** How often to look: often enough that what is changed acts within two seconds, wherever it was changed. */
const INTERVAL: Millis = 1000;
/** How far back to look: further than the clocks of two instances are apart, and a commit takes. */
const LOOK_BACK: Millis = 60_000;

/**
 * Looks each second for what other instances have written to the database that they share. What they write while it does
 * not answer is found once it does; until then, what is known holds.
 */
export class Renewal {
  /** When the database was last asked, and answered. */
  #renewedAt: Millis = 0;
  #isUnderWay = false;
  #hasFailed = false;

  /**
   * @param name of the job, and in the log: what is renewed.
   * @param read takes what was written since an instant. What it has taken before comes again.
   */
  constructor(
    private readonly name: string,
    private readonly scheduler: Scheduler,
    private readonly logger: Logger,
    private readonly read: (since: Millis) => Promise<void>,
  ) {}

  /** Reads everything, and then each second what is new. @throws where the database does not answer now. */
  async begin(): Promise<void> {
    await this.#renew();
    this.scheduler.every(this.#job, INTERVAL, () => this.renew());
  }

  end(): void {
    this.scheduler.cancel(this.#job);
  }

  /** Reads what is new. Never two at a time: a database that is slow is not asked over and over. */
  async renew(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      await this.#renew();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.logger.error(`The ${this.name} cannot be renewed: ${describeThrown(error)}`);
      this.#hasFailed = true;
    } finally {
      this.#isUnderWay = false;
    }
  }

  get #job(): string {
    return `metricast:renew:${this.name}`;
  }

  async #renew(): Promise<void> {
    const now = Date.now();
    await this.read(this.#renewedAt - LOOK_BACK);
    this.#renewedAt = now;
  }
}
