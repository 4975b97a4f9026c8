import { SseClient } from './sse-client.js';
import type { WireClient, WireMessage } from './wire-client.js';

/** In every text of a tenant: `mark017`. */
const MARK = /mark\d{3}/g;

/** A tenant whose every text bears its mark, and whose every figure shows whose it is. */
export class MarkedTenant {
  readonly mark: string;
  /** 1000 to 1049: no multiple of one is a small multiple of another. */
  readonly figure: number;
  readonly interval: number;
  /** Whatever was seen, of others. */
  readonly foreign: string[] = [];
  /** Marks and figures that were seen, of its own. */
  own = 0;

  /** Whether a number in a field of this name is this tenant's. */
  readonly #figures: Readonly<Record<string, (value: number) => boolean>> = {
    value: (value) => Math.floor(value / 1000) === this.figure,
    avg_duration_seconds: (value) => value === this.figure,
    avg_cost: (value) => value === this.figure / 1e6,
    avg_runtime: (value) => value === this.figure,
    runtime_seconds: (value) => value === this.figure,
    // Sums, of as many as there are.
    credits_consumed: (value) => value % this.figure === 0,
    total_embeddings: (value) => value % this.figure === 0,
    // Before it was set: the default.
    interval: (value) => value === this.interval || value === 1,
    collection_interval_seconds: (value) => value === this.interval || value === 1,
    retention_days: (value) => value === this.figure,
  };

  constructor(readonly number: number) {
    this.mark = `mark${String(number).padStart(3, '0')}`;
    this.figure = 1000 + number;
    this.interval = (101 + number) / 100;
  }

  /** Looks through something that one of its readers was sent. */
  look(answer: unknown): void {
    const text = JSON.stringify(answer, (name, value: unknown) => {
      if (typeof value === 'number' && Object.hasOwn(this.#figures, name) && value !== 0) {
        this.#note(this.#figures[name]!(value), `${name} ${value}`);
      }
      return value;
    });
    for (const [mark] of text.matchAll(MARK)) this.#note(mark === this.mark, mark);
  }

  #note(isOwn: boolean, what: string): void {
    if (isOwn) this.own++;
    else this.foreign.push(what);
  }
}

/** A connection of a marked tenant, that looks through whatever comes. */
export class MarkedReader {
  messages = 0;
  /** Messages that are recorded values. */
  samples = 0;
  /** Messages that show what the tenant has recorded. */
  telling = 0;
  #waiting: (() => void) | undefined;

  constructor(
    readonly client: WireClient | SseClient,
    private readonly tenant: MarkedTenant,
  ) {
    const nothing =
      client instanceof SseClient
        ? client.find(({ message }) => this.#take(message))
        : client.find((message) => this.#take(message));
    // It ends with the connection.
    nothing.catch(() => undefined);
  }

  /** Resolves once it has seen so many of them. */
  async until(what: 'samples' | 'telling', count: number): Promise<void> {
    while (this[what] < count) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  #take(message: WireMessage): boolean {
    const before = this.tenant.own;
    this.tenant.look(message);
    this.messages++;
    if ('value' in message) this.samples++;
    if (this.tenant.own > before) this.telling++;
    this.#waiting?.();
    return false;
  }
}
