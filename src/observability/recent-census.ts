import { Injectable } from '@nestjs/common';
import { type Census, Hub, takeCensus } from '../hub/index.js';
import type { Millis } from '../protocol/index.js';

const MAX_AGE: Millis = 1000;

/** A census that is a second old at most: everybody may ask for it, and it looks at every connection. */
@Injectable()
export class RecentCensus {
  #latest: Census | undefined;
  #takenAt: Millis = 0;

  constructor(private readonly hub: Hub) {}

  /** The latest one where it is recent; else takes another. */
  get(): Census {
    const now = performance.now();
    if (this.#latest && now - this.#takenAt < MAX_AGE) return this.#latest;
    this.#takenAt = now;
    return (this.#latest = takeCensus(this.hub));
  }
}
