import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { type FieldError, type Millis, type Publishable, type TenantId, MetricastError } from '../protocol/index.js';
import { type Identified, type Write, WriteQueue, claimIds } from '../store/index.js';

export const MAX_ITEMS = 10_000;

/** Something that can be recorded: how an item of it is read, and how items are stored and become publications. */
export interface RecordKind<Item extends Identified> {
  /** Item ids of different kinds do not meet. */
  readonly name: string;
  /** The item, or what is wrong with it. */
  parse(item: unknown, now: Millis): Item | FieldError;
  /** Stores items that were not recorded before, and says what is to be published once they are committed. */
  write(tenant: TenantId, items: readonly Item[], now: Millis): Write<readonly Publishable[]>;
}

export interface Rejection extends FieldError {
  /** Of the item in the request. */
  readonly index: number;
}

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
  constructor(
    private readonly queue: WriteQueue,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /**
   * @throws {@link MetricastError} `too_large` for more than 10,000 items; `busy` where the store does not take them:
   * then none of them is stored.
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
      if (isFieldError(item)) rejected.push({ index, ...item });
      else items.push(item);
    });
    if (items.length > 0) {
      const publications = await this.queue.write(items.length, function* () {
        return yield* kind.write(tenant, yield* claimIds(kind.name, tenant, items, now), now);
      });
      await this.broker.publish(publications);
    }
    return { accepted: items.length, rejected };
  }
}

function isFieldError(item: object): item is FieldError {
  return 'field' in item && 'message' in item;
}
