import { Logger } from '@nestjs/common';
import type { Millis } from '../protocol/index.js';
import { DAY } from './levels.js';

/** By how much time may jump ahead, and for how long a jump is doubted that is larger. */
const DOUBTED: Millis = DAY;

/**
 * The time by which things are too old. A clock that is wrong would have everything deleted, so one that is more than a
 * day ahead of what is known is believed only when it was so for a day: somebody may set it right meanwhile. What is
 * known is the newest that was recorded when the server started, and from then on the steady clock.
 */
export class RetentionClock {
  readonly #logger = new Logger(RetentionClock.name);
  /** By how much the time that is known is ahead of the steady clock. */
  #ahead: Millis | undefined;
  /** Since when the clock is doubted, on the steady clock. */
  #doubtedSince: Millis | undefined;

  /** @param newest when the newest was recorded; `undefined` where there is nothing. */
  constructor(private readonly newest: () => Promise<Millis | undefined>) {}

  /**
   * Looks at what was recorded, if that was not looked at yet: before anything can be recorded that has its timestamp of
   * the clock that is to be judged.
   *
   * @throws where it cannot be told what was recorded.
   */
  async learn(): Promise<Millis> {
    return (this.#ahead ??= ((await this.newest()) ?? Date.now()) - performance.now());
  }

  /** @throws as {@link learn} */
  async now(): Promise<Millis> {
    const ahead = await this.learn();
    const [now, steady] = [Date.now(), performance.now()];
    const known = ahead + steady;
    const isDoubtful = now > known + DOUBTED;
    if (isDoubtful && this.#doubtedSince === undefined) {
      this.#doubtedSince = steady;
      this.#logger.warn(
        `The clock is ${Math.round((now - known) / DAY)} days ahead of what is known: ` +
          'what is too old by it is deleted only if it says so for a day',
      );
    }
    if (isDoubtful && steady - this.#doubtedSince! < DOUBTED) return known;
    this.#doubtedSince = undefined;
    this.#ahead = Math.max(ahead, now - steady);
    return now;
  }
}
