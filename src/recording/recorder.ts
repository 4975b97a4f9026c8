import { Inject, Injectable, Logger } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { StateCache } from '../metrics/index.js';
import {
  type ChannelName,
  type FieldError,
  type Millis,
  type Publishable,
  type TenantId,
  MetricastError,
  TENANT_ID_FORM,
  describeThrown,
  parseTenantId,
} from '../protocol/index.js';
import { type Identified, type Write, WriteQueue, claimIds } from '../store/index.js';
import { BadItem } from './fields.js';

export const MAX_ITEMS = 10_000;

/** Something that can be recorded: how an item of it is read, and how items are stored and become publications. */
export interface RecordKind<Item extends Identified> {
  /** Item ids of different kinds do not meet. */
  readonly name: string;
  /** The channels whose collected state these items change: what was collected before is not shown any more. */
  readonly states?: readonly ChannelName[];
  /** About how many rows an item is stored as, totals included; 1 by default. */
  readonly rowsPerItem?: number;
  /** The item, or what is wrong with it. */
  parse(item: unknown, now: Millis): Item | BadItem;
  /**
   * Stores items that were not recorded before. What it returns is called once they are committed, and says what is to
   * be published.
   */
  write(tenant: TenantId, items: readonly Item[]): Write<() => readonly Publishable[]>;
}

/** An item that was not recorded, and why. */
export interface Rejection extends FieldError {
  /** Of the item in the request. */
  readonly index: number;
}

/** What became of the items of one request or call. */
export interface RecordResult {
  /** Items stored, those that were stored before under the same id included. */
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

/**
 * The way in for everything that is recorded: validates each item, commits the good ones, and publishes them. When it
 * resolves they are stored.
 */
@Injectable()
export class Recorder {
  readonly #logger = new Logger(Recorder.name);

  constructor(
    private readonly queue: WriteQueue,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly states: StateCache,
  ) {}

  /**
   * @throws {@link MetricastError} `too_large` for more than 10,000 items; `busy` where the store does not take them.
   * Then none of them is stored, unless the database went away while it committed: items with ids can be sent again.
   */
  async record<Item extends Identified>(
    kind: RecordKind<Item>,
    tenant: TenantId,
    input: readonly unknown[],
  ): Promise<RecordResult> {
    if (input.length > MAX_ITEMS) throw new MetricastError('too_large', { detail: `at most ${MAX_ITEMS} items` });
    const now = Date.now();
    const items: Item[] = [];
    const rejected: Rejection[] = [];
    input.forEach((raw, index) => {
      const item = kind.parse(raw, now);
      if (item instanceof BadItem) rejected.push({ index, field: item.field, message: item.message });
      else items.push(item);
    });
    if (items.length > 0) {
      const write = function* () {
        return yield* kind.write(tenant, yield* claimIds(kind.name, tenant, items, now));
      };
      const committed = await this.queue.write(items.length * (kind.rowsPerItem ?? 1), write, tenant);
      const publications = committed();
      for (const channel of kind.states ?? []) this.states.forget({ tenant, channel });
      await this.#publish(publications);
    }
    return { accepted: items.length, rejected };
  }

  /** What is committed stays recorded, published or not: whoever sent it must not be told to send it again. */
  async #publish(publications: readonly Publishable[]): Promise<void> {
    try {
      await this.broker.publish(publications);
    } catch (error) {
      this.#logger.error(`What was recorded could not be published: ${describeThrown(error)}`);
    }
  }
}

/** @throws TypeError where the host's own code names a tenant that cannot be one. */
export function knownTenant(tenant: string): TenantId {
  const parsed = parseTenantId(tenant);
  if (!parsed) throw new TypeError(`a tenant id is ${TENANT_ID_FORM}`);
  return parsed;
}
