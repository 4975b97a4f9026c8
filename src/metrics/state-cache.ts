import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Failure, Millis, State } from '../protocol/index.js';
import { type Tick, tickKey } from './tick-plan.js';

/** Channels of tenants whose states are kept. */
const MAX_CHANNELS = 1000;
/** Views of one channel that are kept; the one collected longest ago goes first. */
const MAX_VIEWS = 256;

/** What collecting a view gave; `null` where there is nothing to show. */
export type Collected = State | Failure | null;

interface Entry {
  /** When its collection began: what was recorded since may be missing. */
  readonly collectedAt: Millis;
  isUnderWay: boolean;
  readonly result: Promise<Collected>;
}

/**
 * The newest state of each view of a channel: what those are shown who come between two ticks. A view that is being
 * collected is waited for, so that a thousand who come at once cost one computation.
 */
@Injectable()
export class StateCache {
  readonly #channels = new LRUCache<string, Map<string, Entry>>({ max: MAX_CHANNELS });

  /** The view as it was collected at most `maxAge` ago; else collects it. */
  get(tick: Tick, filterKey: string, maxAge: Millis, collect: () => Promise<Collected>): Promise<Collected> {
    const entry = this.#channels.get(tickKey(tick))?.get(filterKey);
    // However long it takes: to begin another beside it would make a slow database slower.
    if (entry && (entry.isUnderWay || performance.now() - entry.collectedAt <= maxAge)) return entry.result;
    return this.renew(tick, filterKey, collect);
  }

  /** Collects the view, and shows the result from now on. A failure is shown to those alone who wait for it already. */
  renew(tick: Tick, filterKey: string, collect: () => Promise<Collected>): Promise<Collected> {
    const views = this.#viewsOf(tick);
    const entry: Entry = { collectedAt: performance.now(), isUnderWay: true, result: collect() };
    // Deleted first, so that the map is in the order of collection.
    views.delete(filterKey);
    views.set(filterKey, entry);
    if (views.size > MAX_VIEWS) views.delete(views.keys().next().value!);
    const drop = () => {
      if (views.get(filterKey) === entry) views.delete(filterKey);
    };
    entry.result.then((collected) => {
      entry.isUnderWay = false;
      if (collected?.kind === 'failure') drop();
    }, drop);
    return entry.result;
  }

  /** The channel has changed: what was collected of it, or is being collected, is out of date. */
  forget(tick: Tick): void {
    this.#channels.delete(tickKey(tick));
  }

  #viewsOf(tick: Tick): Map<string, Entry> {
    const key = tickKey(tick);
    let views = this.#channels.get(key);
    if (!views) this.#channels.set(key, (views = new Map<string, Entry>()));
    return views;
  }
}
