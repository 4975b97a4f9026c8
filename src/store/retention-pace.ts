import type { Millis } from '../protocol/index.js';

/** Has the database rest as long as it has worked, so that there is always half of it left for everything else. */
export class RetentionPace {
  #owed: Millis = 0;

  /** @param sleep resolves after so many milliseconds. */
  constructor(private readonly sleep: (duration: Millis) => Promise<void>) {}

  /** So long it has worked: what came before, in a queue, is no work. */
  worked(duration: Millis): void {
    this.#owed += duration;
  }

  /** Resolves when it has rested as long as it has worked since the last time. */
  async rest(): Promise<void> {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) await this.sleep(owed);
  }
}
