import {
  type Format,
  type Message,
  type Publication,
  type TagFilter,
  canonicalKey,
  matchesFilter,
} from '../protocol/index.js';
import type { Framing, Renderer } from './ports.js';
import { Delivery } from './delivery.js';
import { Rendering, isStateLike } from './rendering.js';

/** The deliveries of a publication, by their rendering. Audiences that differ only in filter share them. */
export type Deliveries = Map<string, Delivery | undefined>;

/**
 * The connections that want the same of a channel: same dialect, framing, format, filter and event types. A publication
 * is rendered and encoded once for all of them, and each is given the very same buffer.
 */
export class Audience<Member> {
  readonly members = new Set<Member>();
  /** States that its members were sent so far. */
  states = 0;
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
  ) {
    this.filterKey = canonicalKey(filter);
    this.#rendering = new Rendering(renderer, framing, format);
    // No event type holds a space.
    this.key = `${this.#rendering.name} ${events?.join(',') ?? '*'} ${this.filterKey}`;
    this.#filtersNothing = this.filterKey === '';
  }

  /** A state is collected for a filter, and is for those who asked with it. Everything else is matched by its tags. */
  wants(message: Message): boolean {
    if (isStateLike(message)) return message.filterKey === this.filterKey;
    if (message.kind === 'event' && this.events && !this.events.includes(message.type)) return false;
    return this.#filtersNothing || matchesFilter(this.filter, message.tags);
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
}
