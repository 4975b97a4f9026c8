import { expect } from 'vitest';
import { type Action, type Filter, type Item, DECLARED } from './subscription-commands.js';

const BUILT_IN = ['alert', 'execution_started', 'execution_completed', 'metrics_update'];
const timestamp = expect.any(String) as string;

/** What a subscriber of `workspace` must receive beside its updates each tick, by a set of types. */
export class NaiveSubscriber {
  /** How many events it was to receive, in all. */
  delivered = 0;
  #published = 0;
  readonly #expected: object[] = [];
  readonly #types = new Set<string>();
  readonly #known = new Set([...BUILT_IN, ...Object.values(DECLARED).flat()]);

  constructor(private readonly tokenFilter: Filter) {}

  /** Whether updates come each tick. They are of everybody: not for who may see a part alone. */
  get wantsUpdates(): boolean {
    return this.#types.has('metrics_update') && !this.#isLimited;
  }

  get #isLimited(): boolean {
    return Object.keys(this.tokenFilter).length > 0;
  }

  /** What it must have received since it was last asked. */
  take(): object[] {
    return this.#expected.splice(0);
  }

  apply(action: Action): void {
    switch (action.do) {
      case 'subscribe':
        return this.#subscribe(action.types);
      case 'unsubscribe':
        for (const type of action.types ?? [...this.#types]) this.#types.delete(type);
        return this.#acknowledge('unsubscribed');
      case 'request metrics':
        return this.#answerRequest();
      case 'misspeak':
        this.#expected.push({ event: 'error', ...action.error, timestamp });
        return;
      case 'publish':
        for (const item of action.items) this.#publish(item);
    }
  }

  #subscribe(types: readonly string[]): void {
    for (const type of new Set(types)) {
      if (this.#known.has(type)) {
        this.#types.add(type);
      } else {
        const error = /^[a-z]+(\.[a-z]+)?$/.test(type) ? `Unknown event type ${type}` : 'Unknown event type';
        this.#expected.push({ event: 'error', error, code: 'unknown_event_type', timestamp });
      }
    }
    this.#acknowledge('subscribed');
  }

  #acknowledge(event: string): void {
    this.#expected.push({ event, event_types: [...this.#types].sort(), timestamp });
  }

  #answerRequest(): void {
    const answer = this.#isLimited
      ? { event: 'error', error: 'Not found', code: 'not_found' }
      : { event: 'metrics_update', metric_type: 'executions', data: expect.any(Object) as object };
    this.#expected.push({ ...answer, timestamp });
  }

  #publish({ type, tags }: Item): void {
    this.#known.add(type);
    const data = { number: ++this.#published };
    if (!this.#types.has(type) || !meets(tags, this.tokenFilter)) return;
    this.#expected.push({ event: type, data, ...(type === 'alert' && { priority: null }), timestamp });
    this.delivered++;
  }
}

function meets(tags: Item['tags'], filter: Filter): boolean {
  return Object.entries(filter).every(([name, values]) => [values].flat().includes(tags[name]!));
}
