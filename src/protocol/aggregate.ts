import type { SampleSummary, SampleType } from './publication.js';
import { Sketch, type Summary } from './sketch.js';
import type { Millis } from './timestamp.js';

/** A value of a series that goes into an aggregate. */
export interface Value {
  readonly value: number;
  readonly timestamp: Millis;
  /** By how much a counter grew with it. */
  readonly increase?: number;
}

/**
 * What the values of one series come to together. Two of them come to what all their values would: how values were
 * grouped on their way makes no difference.
 */
export class Aggregate implements Summary {
  count = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;
  /** The value with the latest timestamp; of several, the one that was recorded last. */
  last = 0;
  lastAt: Millis = -Infinity;
  /** Of a counter: the sum of its increases. */
  increase = 0;
  /** Of a histogram: how its observations are distributed. */
  sketch: Sketch | undefined;

  constructor(readonly type: SampleType) {
    if (type === 'histogram') this.sketch = new Sketch();
  }

  add({ value, timestamp, increase = 0 }: Value): void {
    this.count++;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    if (timestamp >= this.lastAt) [this.last, this.lastAt] = [value, timestamp];
    this.increase += increase;
    this.sketch?.add(value);
  }

  /** Adds one of the same type, whose values were recorded later. */
  merge(other: Aggregate): void {
    this.count += other.count;
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    if (other.lastAt >= this.lastAt) [this.last, this.lastAt] = [other.last, other.lastAt];
    this.increase += other.increase;
    if (other.sketch) this.sketch?.merge(other.sketch);
  }

  /** The one number that stands for all: a gauge's mean, a counter's increase, a histogram's median. */
  get value(): number {
    if (this.type === 'counter') return this.increase;
    return this.sketch ? this.sketch.quantiles(this).p50 : this.sum / this.count;
  }

  get summary(): SampleSummary {
    const { count, sum, min, max, last } = this;
    const all = { count, sum, min, max };
    return this.type === 'gauge' ? { ...all, last } : { ...all, ...this.sketch?.quantiles(this) };
  }
}

/** What a counter grew by. One that fell began again at 0; so did one of which nothing is known. */
export function increaseOf(value: number, before: number | undefined): number {
  return before === undefined || value < before ? value : value - before;
}
