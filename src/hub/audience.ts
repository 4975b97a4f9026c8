import {
  type Format,
  type Interval,
  type Message,
  type Publication,
  type TagFilter,
  type Tags,
  canonicalKey,
  matchesFilter,
} from '../protocol/index.js';
import type { Framing, Renderer } from './ports.js';
import { Delivery } from './delivery.js';
import type { Held } from './held.js';
import { Rendering } from './rendering.js';

/** The deliveries of a publication, by their rendering. Audiences that differ only in filter share them. */
export type Deliveries = Map<string, Delivery | undefined>;

/**
 * The connections that want the same of a channel: same dialect, framing, format, filter, event types and interval. A publication
 * is rendered and encoded once for all of them, and each is given the very same buffer.
 */
export class Audience<Member> {
  readonly members = new Set<Member>();
  /** States that its members were sent so far. */
  states = 0;
  /** What its only member is kept from until it was sent what came before; absent where publications are sent. */
  held?: Held;
  readonly filterKey: string;
  readonly key: string;
  /** What this audience's frames look like, whatever its filter lets through. */
  readonly #rendering: Rendering;
  readonly #filtersNothing: boolean;

  constructor(
    renderer: Renderer,
    framing: Framing,
    format: Format,
    readonly filter: TagFilter,
    readonly events?: readonly string[],
    readonly interval?: Interval,
    /** Makes its key its own, where others that want the same are not to join. */
    only = '',
  ) {
    this.filterKey = canonicalKey(filter);
    this.#rendering = new Rendering(renderer, framing, format);
    // No event type holds a space.
    this.key = `${this.#rendering.name} ${events?.join(',') ?? '*'} ${interval ?? '-'} ${this.filterKey}${only}`;
    this.#filtersNothing = this.filterKey === '';
  }

  /** What is collected is for those who asked with its filter. Everything else is matched by its tags. */
  wants(message: Message): boolean {
    switch (message.kind) {
      case 'state':
        return this.interval === undefined && message.filterKey === this.filterKey;
      case 'failure': {
        const { filterKey = this.filterKey, interval = this.interval } = message;
        return filterKey === this.filterKey && interval === this.interval;
      }
      case 'event':
        return (!this.events || this.events.includes(message.type)) && this.#matches(message.tags);
      case 'sample': {
        const { window } = message;
        if (window?.interval !== this.interval) return false;
        return window?.filterKey === undefined ? this.#matches(message.tags) : window.filterKey === this.filterKey;
      }
    }
  }

  /** The one delivery of this publication; `undefined` where the dialect has no words for it. */
  deliveryOf(publication: Publication, ready: Deliveries): Delivery | undefined {
    const rendering = this.#rendering;
    let delivery = ready.get(rendering.name);
    if (!delivery && !ready.has(rendering.name)) {
      const frame = rendering.frameOf(publication);
      delivery = frame && new Delivery(frame, { publication, rendering });
      ready.set(rendering.name, delivery);
    }
    return delivery;
  }

  #matches(tags: Tags): boolean {
    return this.#filtersNothing || matchesFilter(this.filter, tags);
  }
}
