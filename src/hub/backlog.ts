import { Aggregate, type Publication, type Sample } from '../protocol/index.js';
import type { Delivery } from './delivery.js';
import { sumOfWindows } from './summed-windows.js';

/** Something that waits, and how many publications it stands for. */
interface Entry {
  /** The newest of them. */
  delivery: Delivery;
  count: number;
  bytes: number;
  /** False for what a newer value must not replace, so that no increase of a counter is lost. */
  isReplaceable: boolean;
  /** Of the merged observations of a histogram. */
  observed?: Aggregate | undefined;
  /** Of the merged windows of a counter. */
  summed?: Sample | undefined;
}

/**
 * What waits for a reader that is behind, at the resolution that it can have: of each state and each gauge the newest,
 * of each histogram all observations as one distribution, of each counter as much as it takes for no increase to be
 * lost, or the sum of its windows. Events, and what is for this connection alone, wait as they are.
 *
 * A newer value stands where it was published, not where the one stood that it replaced: nothing overtakes anything.
 * But what is taken is taken in generations. What began to leave is not replaced any more, and leaves before all that
 * came later; else, of many channels, a slow reader would be sent the first few again and again.
 */
export class Backlog {
  /** The generation that leaves, and the one that still merges. A replaced entry leaves an empty place. */
  #leaving: (Entry | undefined)[] = [];
  #next = 0;
  #waiting: (Entry | undefined)[] = [];
  /** Where the newest entry of each series waits. */
  readonly #places = new Map<string, number>();
  #emptied = 0;
  /** Bytes that wait. What `conflated` adds to a frame is counted when it leaves. */
  bytes = 0;
  /** Bytes of those that are no publication of a series: events, and what is for this connection alone. */
  firmBytes = 0;
  /** Frames that wait. */
  length = 0;
  /** Publications that were merged into others. */
  conflated = 0;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  add(delivery: Delivery): void {
    const { series } = delivery;
    if (series === undefined) {
      this.#append({ delivery, count: 1, bytes: delivery.frame.length, isReplaceable: false });
      return;
    }
    const place = this.#places.get(series);
    const older = place === undefined ? undefined : this.#waiting[place];
    const entry = this.#merged(older, delivery);
    if (entry.count > 1) {
      this.#waiting[place!] = undefined;
      this.#count(older!, -1);
      this.conflated++;
      if (++this.#emptied > this.#waiting.length / 2) this.#closeGaps();
    }
    this.#places.set(series, this.#waiting.length);
    this.#append(entry);
  }

  /** Takes what waits longest, at least one frame and not many more bytes than there is room for. */
  take(room: number): Buffer[] {
    const frames: Buffer[] = [];
    let taken = 0;
    while (this.length > 0 && taken < room) {
      const entry = this.#shift();
      if (!entry) continue;
      const frame = frameOf(entry);
      frames.push(frame);
      taken += frame.length;
    }
    return frames;
  }

  #append(entry: Entry): void {
    this.#waiting.push(entry);
    this.#count(entry, 1);
  }

  #count({ delivery, bytes }: Entry, sign: 1 | -1): void {
    this.length += sign;
    this.bytes += sign * bytes;
    if (delivery.series === undefined) this.firmBytes += sign * bytes;
  }

  #shift(): Entry | undefined {
    if (this.#next === this.#leaving.length) {
      this.#leaving = this.#waiting;
      this.#next = 0;
      this.#waiting = [];
      this.#places.clear();
      this.#emptied = 0;
    }
    const entry = this.#leaving[this.#next];
    this.#leaving[this.#next++] = undefined;
    if (entry) this.#count(entry, -1);
    return entry;
  }

  /** The entry of a new value; it stands for more than one where it takes the place of the older entry of its series. */
  #merged(older: Entry | undefined, delivery: Delivery): Entry {
    const alone: Entry = { delivery, count: 1, bytes: delivery.frame.length, isReplaceable: true };
    const { message } = delivery.published!.publication;
    if (message.kind !== 'sample') return after(older, alone);
    const { type, window } = message;
    if (!older) return type === 'counter' && !window ? { ...alone, isReplaceable: false } : alone;
    const before = older.delivery.published!.publication.message as Sample;
    if (window) {
      // Of other windows, the newest stands for those before it: what they hold is history, and can be asked for.
      const summed = type === 'counter' ? sumOfWindows(older.summed ?? before, message) : undefined;
      return { ...after(older, alone), summed };
    }
    if (type === 'histogram') return observe(older, before, alone, message);
    // A counter that fell was reset: what it had reached, and where it began anew, both have to be seen.
    if (type === 'counter' && message.value < before.value) return { ...alone, isReplaceable: false };
    return after(older, alone);
  }

  #closeGaps(): void {
    this.#waiting = this.#waiting.filter((entry) => entry !== undefined);
    this.#emptied = 0;
    this.#places.clear();
    this.#waiting.forEach((entry, place) => {
      const { series } = entry!.delivery;
      if (series !== undefined) this.#places.set(series, place);
    });
  }
}

/** The newer one in place of the older one, where that may be replaced. */
function after(older: Entry | undefined, alone: Entry): Entry {
  return older?.isReplaceable ? { ...alone, count: older.count + 1 } : alone;
}

/** One that stands for several says so; one that stands for itself is what everybody else was sent. */
function frameOf(entry: Entry): Buffer {
  const { delivery, count } = entry;
  if (count === 1) return delivery.frame;
  const { publication, rendering } = delivery.published!;
  try {
    return rendering.frameOf(summarized(publication, entry), count) ?? delivery.frame;
  } catch {
    // It could be said once: what it was then is as new, and only does not say for how many it stands.
    return delivery.frame;
  }
}

function observe(older: Entry, before: Sample, alone: Entry, newer: Sample): Entry {
  const { observed = new Aggregate('histogram') } = older;
  if (observed.count === 0) observed.add(before);
  observed.add(newer);
  return { ...alone, count: older.count + 1, bytes: alone.bytes + observed.sketch!.bytes, observed };
}

function summarized(publication: Publication, { observed, summed }: Entry): Publication {
  if (summed) return { ...publication, message: summed };
  if (!observed) return publication;
  const { value, summary } = observed;
  return { ...publication, message: { ...(publication.message as Sample), value, summary } };
}
