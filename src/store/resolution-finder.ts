import { Injectable } from '@nestjs/common';
import { type Millis, type Resolution, windowStart } from '../protocol/index.js';
import { LEVELS, type Level, keptSince } from './levels.js';
import { PointReader } from './point-reader.js';
import { RollupReader } from './rollup-reader.js';

/** What decides how long is kept what a tenant recorded. */
export interface Keeping {
  readonly now: Millis;
  readonly retentionDays: number | null;
}

/** Finds how finely a span can be shown from its start on. */
@Injectable()
export class ResolutionFinder {
  constructor(
    private readonly points: PointReader,
    private readonly rollups: RollupReader,
  ) {}

  /**
   * The resolution that was asked for; a coarser one where that has lost values since the start which the coarser one
   * has: the finest that goes back as far.
   */
  async find(asked: Resolution, start: Millis, seriesIds: readonly number[], keeping: Keeping): Promise<Resolution> {
    const since = (level: Level) => keptSince(level, keeping.now, keeping.retentionDays);
    const levels = LEVELS.slice(LEVELS.findIndex(({ resolution }) => resolution === asked));
    const lostUntil = since(levels[0]!);
    if (start >= lostUntil) return asked;
    // All before the last of them may have lost values. What it has is compared with what the others have.
    const complete = levels.findIndex((level) => start >= since(level));
    const candidates = levels.slice(0, complete < 0 ? undefined : complete + 1).reverse();
    for (let from = start; ;) {
      const { length } = candidates[0]!;
      const begin = await this.#first(candidates[0]!, floor(from, length), lostUntil, seriesIds);
      if (begin === undefined) return asked;
      const found = await this.#finestOf(candidates, begin, start, seriesIds);
      if (found) return found;
      from = begin + length;
    }
  }

  /**
   * The finest of the levels that has the first of what the coarsest one has in a window. `undefined` where there is but
   * what lies before the start.
   */
  async #finestOf(
    [coarsest, ...finer]: readonly Level[],
    begin: Millis,
    start: Millis,
    seriesIds: readonly number[],
  ): Promise<Resolution | undefined> {
    let window = { level: coarsest!, begin };
    for (const level of finer) {
      const end = window.begin + window.level.length;
      const first = await this.#first(level, Math.max(window.begin, floor(start, level.length)), end, seriesIds);
      if (first === undefined) {
        const isBefore =
          window.begin < start && (await this.#first(level, window.begin, start, seriesIds)) !== undefined;
        return isBefore ? undefined : window.level.resolution;
      }
      window = { level, begin: first };
    }
    return window.level.resolution;
  }

  #first({ resolution }: Level, from: Millis, to: Millis, seriesIds: readonly number[]): Promise<Millis | undefined> {
    if (resolution === 'raw') return this.points.first(from, to, seriesIds);
    return this.rollups.first(resolution, from, to, seriesIds);
  }
}

function floor(instant: Millis, length: Millis): Millis {
  return length === 0 ? instant : windowStart(instant, length);
}
