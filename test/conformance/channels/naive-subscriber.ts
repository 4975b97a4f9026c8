import { expect } from 'vitest';
import type { Action, Filter, Item } from './subscription-commands.js';

/** What a subscriber of `channels` must receive, message for message, by a list of what it is subscribed to. */
export class NaiveSubscriber {
  /** How many messages of channels it was to receive, in all. */
  delivered = 0;
  #expected: object[] = [];
  readonly #subscribed = new Map<string, Filter>();
  readonly #offsets = new Map([['alerts.events', 0]]);

  constructor(private readonly tokenFilter: Filter) {}

  /** What it must have received since it was last asked. */
  take(): object[] {
    return this.#expected.splice(0);
  }

  apply(action: Action): void {
    switch (action.do) {
      case 'subscribe':
        return this.#subscribe(action);
      case 'unsubscribe':
        for (const channel of action.channels ?? [...this.#subscribed.keys()]) this.#subscribed.delete(channel);
        return this.#answer({ type: 'unsubscribed', channels: this.#channels }, action.id);
      case 'ping':
        return this.#answer({ type: 'pong', timestamp: expect.any(Number) as number }, action.id);
      case 'misspeak':
        return this.#answer({ type: 'error', ...action.error });
      case 'record':
        for (const item of action.items) this.#publish(item);
    }
  }

  get #channels(): string[] {
    return [...this.#subscribed.keys()].sort();
  }

  #subscribe({ channels, tags = {}, id }: Action & { do: 'subscribe' }): void {
    for (const channel of new Set(channels)) {
      if (this.#offsets.has(channel)) {
        this.#subscribed.set(channel, tags);
      } else {
        const unknown = { message: 'Invalid subscription: unknown channel', code: 'unknown_channel' };
        const named = /^[a-z.]+$/.test(channel) ? { channel } : {};
        this.#answer({ type: 'error', ...unknown, ...named }, id);
      }
    }
    const positionOf = (channel: string) => ({
      epoch: expect.any(String) as string,
      offset: this.#offsets.get(channel),
    });
    const positions = Object.fromEntries(this.#channels.map((channel) => [channel, positionOf(channel)]));
    this.#answer({ type: 'subscribed', channels: this.#channels, positions }, id);
  }

  #publish({ channel, tags }: Item): void {
    const offset = (this.#offsets.get(channel) ?? 0) + 1;
    this.#offsets.set(channel, offset);
    const filter = this.#subscribed.get(channel);
    if (!filter || !meets(tags, filter) || !meets(tags, this.tokenFilter)) return;
    this.#expected.push(expect.objectContaining({ channel, tags, offset }) as object);
    this.delivered++;
  }

  #answer(message: object, id?: unknown): void {
    const isUsable = typeof id === 'number' || (typeof id === 'string' && id !== '');
    this.#expected.push(isUsable ? { ...message, id } : message);
  }
}

function meets(tags: Item['tags'], filter: Filter): boolean {
  return Object.entries(filter).every(([name, values]) => [values].flat().includes(tags[name]!));
}
