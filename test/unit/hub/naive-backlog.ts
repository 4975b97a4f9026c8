import type { Delivery } from '../../../src/hub/delivery.js';
import { type Sample, Sketch, canonicalKey } from '../../../src/protocol/index.js';

/** Deliveries for which one frame stands; the newest is the last. */
export type Group = readonly Delivery[];

/** The backlog as one would write it who has all the time in the world: looks through all that waits. */
export class NaiveBacklog {
  #leaving: Group[] = [];
  #waiting: Group[] = [];

  add(delivery: Delivery): void {
    const own = this.#waiting.filter((group) => isAlike(group.at(-1)!, delivery));
    const last = own.at(-1);
    if (!last || !canGrow(own, delivery)) {
      this.#waiting.push([delivery]);
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(last), 1);
    this.#waiting.push([...last, delivery]);
  }

  /** What waits longest. What began to leave is left alone by what comes later. */
  take(): Group | undefined {
    if (this.#leaving.length === 0) {
      this.#leaving = this.#waiting;
      this.#waiting = [];
    }
    return this.#leaving.shift();
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  get bytes(): number {
    return this.#groups.reduce((sum, group) => sum + bytesOf(group), 0);
  }

  get firmBytes(): number {
    const firm = this.#groups.filter(([first]) => isFirm(first!));
    return firm.reduce((sum, group) => sum + bytesOf(group), 0);
  }

  get #groups(): Group[] {
    return [...this.#leaving, ...this.#waiting];
  }
}

/** Nothing ever stands for an event, nor for what is no publication. */
export function isFirm({ published }: Delivery): boolean {
  return !published || published.publication.message.kind === 'event';
}

/** Whether the newer of two shows again what the older one showed. */
export function isAlike(one: Delivery, other: Delivery): boolean {
  if (isFirm(one) || isFirm(other)) return false;
  const [left, right] = [one.published!.publication, other.published!.publication];
  if (left.channel !== right.channel) return false;
  if (left.message.kind !== 'sample' || right.message.kind !== 'sample') {
    return left.message.kind !== 'sample' && right.message.kind !== 'sample';
  }
  return subjectOf(left.message) === subjectOf(right.message);
}

/** A counter's first value, and those before and after a fall, are all seen. */
function canGrow(own: readonly Group[], delivery: Delivery): boolean {
  const newest = sampleOf(delivery);
  if (newest?.type !== 'counter') return true;
  const values = own.flat().map((each) => sampleOf(each)!.value);
  const [last, beforeLast = Infinity] = [values.at(-1)!, values.at(-2)];
  return newest.value >= last && last >= beforeLast;
}

function bytesOf(group: Group): number {
  const { length } = group.at(-1)!.frame;
  if (group.length === 1 || sampleOf(group[0]!)?.type !== 'histogram') return length;
  const sketch = new Sketch();
  for (const each of group) sketch.add(sampleOf(each)!.value);
  return length + sketch.bytes;
}

export function sampleOf({ published }: Delivery): Sample | undefined {
  const message = published?.publication.message;
  return message?.kind === 'sample' ? message : undefined;
}

function subjectOf({ type, name, tags }: Sample): string {
  return JSON.stringify([type, name, canonicalKey(tags)]);
}
