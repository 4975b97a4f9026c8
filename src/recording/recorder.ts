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
import { TenantRegistry } from '../tenants/index.js';
import { BadItem } from './fields.js';

export const MAX_ITEMS = 10_000;
/**
 * Rows of the pieces in which a large request is committed. Values whose timestamps lie far apart change rollup rows of
 * their own, of each length: so many are 25 ms of SQLite, in which the process does nothing else; of histograms, twice that.
 */
const ROWS_A_PIECE = 1000;

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
   * Says for which items there is no room. Asked in the same transaction, before their ids are taken: such an item may
   * come again.
   */
  refuse?(tenant: TenantId, items: readonly Item[]): Write<Refused<Item>>;
  /**
   * Stores items that were not recorded before. What it returns is called once they are committed, and says what is to
   * be published.
   */
  write(tenant: TenantId, items: readonly Item[]): Write<() => readonly Publishable[]>;
}

/** Items that are not stored, and what is to be called once the others are committed. */
export interface Refused<Item> {
  readonly items: ReadonlyMap<Item, BadItem>;
  readonly remember: () => void;
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
    @Inject(TenantRegistry) private readonly tenants: Pick<TenantRegistry, 'notice'>,
  ) {}

  /**
   * Many items are committed in several pieces, in their order, each of them published once it is committed.
   *
   * @throws {@link MetricastError} `too_large` for more than 10,000 items; `busy` where the store does not take them.
   * Then none of them is stored, unless the database failed midway: some may be then, and items with ids can be sent again.
   */
  async record<Item extends Identified>(
    kind: RecordKind<Item>,
    tenant: TenantId,
    input: readonly unknown[],
  ): Promise<RecordResult> {
    if (input.length > MAX_ITEMS) throw new MetricastError('too_large', { detail: `at most ${MAX_ITEMS} items` });
    const now = Date.now();
    const items = new Map<Item, number>();
    const rejected: Rejection[] = [];
    input.forEach((raw, index) => {
      const item = kind.parse(raw, now);
      if (item instanceof BadItem) rejected.push(rejectionOf(index, item));
      else items.set(item, index);
    });
    const { rowsPerItem = 1 } = kind;
    const pieces = inPieces([...items.keys()], Math.floor(ROWS_A_PIECE / rowsPerItem));
    const writes = pieces.map((piece) => ({
      rows: piece.length * rowsPerItem,
      write: () => writeOf(kind, tenant, piece, now),
    }));
    const stored = this.queue.writeAll(writes, tenant).map(async (written) => {
      const { refused, committed } = await written;
      refused.remember();
      this.tenants.notice(tenant);
      const publications = committed();
      for (const channel of kind.states ?? []) this.states.forget({ tenant, channel });
      await this.#publish(publications);
      return refused.items;
    });
    // Who is answered can rely on it that nothing of the request is under way any more.
    const ended = await Promise.allSettled(stored);
    for (const piece of ended) {
      if (piece.status === 'rejected') throw piece.reason;
      for (const [item, bad] of piece.value) {
        rejected.push(rejectionOf(items.get(item)!, bad));
        items.delete(item);
      }
    }
    return { accepted: items.size, rejected: rejected.sort((one, other) => one.index - other.index) };
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

const NONE_REFUSED: Refused<never> = { items: new Map<never, BadItem>(), remember: () => undefined };

function* writeOf<Item extends Identified>(
  kind: RecordKind<Item>,
  tenant: TenantId,
  items: readonly Item[],
  now: Millis,
): Write<{ refused: Refused<Item>; committed: () => readonly Publishable[] }> {
  const refused: Refused<Item> = kind.refuse ? yield* kind.refuse(tenant, items) : NONE_REFUSED;
  const good = refused.items.size > 0 ? items.filter((item) => !refused.items.has(item)) : items;
  return { refused, committed: yield* kind.write(tenant, yield* claimIds(kind.name, tenant, good, now)) };
}

function inPieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function rejectionOf(index: number, { field, message }: BadItem): Rejection {
  return { index, field, message };
}

/** @throws TypeError where the host's own code names a tenant that cannot be one. */
export function knownTenant(tenant: string): TenantId {
  const parsed = parseTenantId(tenant);
  if (!parsed) throw new TypeError(`a tenant id is ${TENANT_ID_FORM}`);
  return parsed;
}
