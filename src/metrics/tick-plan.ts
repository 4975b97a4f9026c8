import type { ChannelName, Millis, TenantId } from '../protocol/index.js';

/** What is due together: a channel of a tenant. */
export interface Tick {
  readonly tenant: TenantId;
  readonly channel: ChannelName;
}

/** A slot is not shorter than this: timers are not finer, and a slot costs a wake-up. */
const SHORTEST_SLOT: Millis = 50;
const MOST_SLOTS = 20;

/**
 * When each watched channel of each tenant is due. An interval is cut into slots, and a tenant has its slot within it:
 * always the same, so that its ticks are evenly spaced, and far from those of others, so that ten thousand tenants do
 * not tick in one millisecond.
 */
export class TickPlan {
  readonly #wheels = new Map<Millis, Wheel>();
  readonly #intervals = new Map<string, Millis>();

  /** The intervals that have something due, each with the time between its slots. */
  get intervals(): ReadonlyMap<Millis, { readonly slotLength: Millis }> {
    return this.#wheels;
  }

  has(tick: Tick): boolean {
    return this.#intervals.has(tickKey(tick));
  }

  add(tick: Tick, interval: Millis): void {
    this.remove(tick);
    let wheel = this.#wheels.get(interval);
    if (!wheel) this.#wheels.set(interval, (wheel = new Wheel(interval)));
    wheel.add(tick);
    this.#intervals.set(tickKey(tick), interval);
  }

  remove(tick: Tick): void {
    const interval = this.#intervals.get(tickKey(tick));
    if (interval === undefined) return;
    this.#intervals.delete(tickKey(tick));
    const wheel = this.#wheels.get(interval)!;
    wheel.remove(tick);
    if (wheel.isEmpty) this.#wheels.delete(interval);
  }

  /** What came due in this interval since it was last asked. What a stalled process missed twice is due once. */
  due(interval: Millis, now: Millis): Tick[] {
    return this.#wheels.get(interval)?.due(now) ?? [];
  }
}

class Wheel {
  readonly #slots: Map<string, Tick>[];
  readonly slotLength: Millis;
  #size = 0;
  #last: number | undefined;

  constructor(interval: Millis) {
    const count = Math.min(MOST_SLOTS, Math.max(1, Math.floor(interval / SHORTEST_SLOT)));
    this.slotLength = interval / count;
    this.#slots = Array.from({ length: count }, () => new Map<string, Tick>());
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  add(tick: Tick): void {
    this.#slotOf(tick.tenant).set(tickKey(tick), tick);
    this.#size++;
  }

  remove(tick: Tick): void {
    this.#slotOf(tick.tenant).delete(tickKey(tick));
    this.#size--;
  }

  due(now: Millis): Tick[] {
    const current = Math.floor(now / this.slotLength);
    const first = Math.max((this.#last ?? current - 1) + 1, current - this.#slots.length + 1);
    this.#last = current;
    const due: Tick[] = [];
    for (let slot = first; slot <= current; slot++) due.push(...this.#slots[slot % this.#slots.length]!.values());
    return due;
  }

  #slotOf(tenant: TenantId): Map<string, Tick> {
    return this.#slots[hash(tenant) % this.#slots.length]!;
  }
}

/** A text that is equal for equal ticks, and for no others. */
export function tickKey({ tenant, channel }: Tick): string {
  // Neither name can hold a space.
  return `${tenant} ${channel}`;
}

/** FNV-1a, 32 bits: spreads similar names. http://www.isthe.com/chongo/tech/comp/fnv */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
