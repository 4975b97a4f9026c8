import { Injectable } from '@nestjs/common';
import { type Millis, type Resolution, windowStart } from '../protocol/index.js';
import { LEVELS, type Level, keptSince } from './levels.js';
import { RollupReader } from './rollup-reader.js';

/** What decides how long is kept what a tenant recorded. */
export interface Keeping {
  readonly now: Millis;
  readonly retentionDays: number | null;
}

/** Finds how finely a span can be shown from its start on. */
@Injectable()
export class ResolutionFinder {
  constructor(private readonly rollups: RollupReader) {}

  /**
   * The resolution that was asked for; where something was recorded in the span before the time since when that is kept,
   * the finest that is kept since then. So it makes no difference what has been deleted already, and what not yet.
   */
  async find(
    asked: Resolution,
    { start, end }: { readonly start: Millis; readonly end: Millis },
    seriesIds: readonly number[],
    { now, retentionDays }: Keeping,
  ): Promise<Resolution> {
    const levels = LEVELS.slice(LEVELS.findIndex(({ resolution }) => resolution === asked));
    const since = (level: Level) => keptSince(level, now, retentionDays);
    const finestFrom = (instant: Millis) => levels.find((level) => instant >= since(level))!;
    const until = Math.min(end, since(levels[0]!));
    // Of what lies before, nothing is kept at all.
    let from = Math.max(start, since(levels.at(-1)!));
    let level = finestFrom(from);
    while (level.resolution !== 'raw' && level.resolution !== asked) {
      // The window that this is in may hold something.
      const first = await this.rollups.passOver(level.resolution, windowStart(from, level.length), until, seriesIds);
      if (first >= until) return asked;
      from = Math.max(from, first);
      const finer = finestFrom(from);
      if (finer === level) break;
      // What was a long window's beginning is looked at more closely.
      level = finer;
    }
    return level.resolution;
  }
}
