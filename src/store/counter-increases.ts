import { type Millis, increaseOf } from '../protocol/index.js';
import { cutOff } from './rollups.js';

/** What a counter showed. */
export interface Reading {
  readonly timestamp: Millis;
  readonly value: number;
}

export interface StoredReading extends Reading {
  readonly id: number;
  /** Null where it was stored by a version that did not know. */
  readonly increase: number | null;
}

export interface Increases {
  /** Of each reading that arrived. */
  readonly increases: readonly number[];
  /** The stored ones that another reading has come before, with what their increase is now. */
  readonly changed: readonly (StoredReading & { readonly increase: number; readonly by: number })[];
}

/** Of what is calculated back, by how much it may be off. */
const TOLERANCE = 1e-9;

/**
 * By how much a counter grew with readings that arrive now. A reading is compared with the one before it by time,
 * whenever that arrived; of several at one instant, with the one that arrived before. So one that comes late changes by
 * how much the counter grew with the next one.
 *
 * @param arrived in the order of their arrival.
 * @param stored those among which they arrive: of each, the ones just before and just after it, where there are any.
 */
export function increasesAmong(arrived: readonly Reading[], stored: readonly StoredReading[]): Increases {
  const byArrival: Known[] = [
    ...[...stored].sort((one, other) => one.id - other.id).map((reading) => ({ reading, stored: reading })),
    ...arrived.map((reading, index) => ({ reading, index })),
  ];
  // Those of one instant stay in the order of their arrival.
  const all = byArrival.sort((one, other) => one.reading.timestamp - other.reading.timestamp);
  const increases: number[] = [];
  const changed: Increases['changed'][number][] = [];
  all.forEach(({ reading, stored, index }, place) => {
    const before = all[place - 1];
    if (index !== undefined) {
      const valueBefore = before ? before.reading.value : deletedBefore(reading, all.slice(place));
      increases[index] = cutOff(increaseOf(reading.value, valueBefore));
    } else if (stored && stored.increase !== null && before && !before.stored) {
      const increase = cutOff(increaseOf(reading.value, before.reading.value));
      const by = increase - stored.increase;
      if (by !== 0) changed.push({ ...stored, increase, by });
    }
  });
  return { increases, changed };
}

interface Known {
  readonly reading: Reading;
  readonly stored?: StoredReading;
  /** Of one that arrives now. */
  readonly index?: number;
}

/** The value before a reading of which all that came before is deleted: the next one that is stored grew from it. */
function deletedBefore({ value }: Reading, all: readonly Known[]): number | undefined {
  const next = all.find(({ stored }) => stored)?.stored;
  if (!next || next.increase === null) return undefined;
  const before = next.value - next.increase;
  const isRounded = Math.abs(before - value) <= TOLERANCE * Math.abs(next.value);
  return isRounded ? value : before;
}
