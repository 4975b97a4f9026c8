import { Injectable } from '@nestjs/common';
import { type Millis, type Resolution, windowStart } from '../protocol/index.js';
import { LEVELS, type Level, keptSince } from './levels.js';
import { RollupReader } from './rollup-reader.js';

/** How often it is gone on where windows without a value were not passed over in one go. */
const MAX_GOES_ON = 4;

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
   * Where it would take very long to know whether anything was, it is as if something had been.
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
    let goesOn = 0;
    while (level.resolution !== 'raw' && level.resolution !== asked) {
      // The window that this is in may hold something.
      const passed = await this.rollups.passOver(level.resolution, windowStart(from, level.length), until, seriesIds);
      if (passed.to >= until) return asked;
      from = Math.max(from, passed.to);
      const finer = finestFrom(from);
      if (passed.gaveUp ? ++goesOn > MAX_GOES_ON : finer === level) break;
      // What was a long window's beginning is looked at more closely.
      level = finer;
    }
    return level.resolution;
  }
}
