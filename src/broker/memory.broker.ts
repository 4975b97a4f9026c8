import { randomUUID } from 'node:crypto';
import type { ChannelName, Millis, Position, Publishable, TenantId } from '../protocol/index.js';
import type { Broker, Missed, PublicationListener } from './broker.js';
import { ChannelLog, type Kept, PublicationLog } from './publication-log.js';

/** Publications that one turn of the event loop delivers: between two turns the sockets write, and readers keep up. */
const MOST_A_TURN = 256;
/** How long they may take, where each goes to many connections, or each to others and has to be encoded. */
const LONGEST_TURN: Millis = 5;

/** The broker of a single instance: delivers by itself, and forgets its numbers when the process ends. */
export class MemoryBroker implements Broker {
  readonly #epoch = randomUUID();
  readonly #channels = new Map<TenantId, Map<ChannelName, ChannelLog>>();
  readonly #log = new PublicationLog();
  readonly #listeners: PublicationListener[] = [];
  #lastPublish: Promise<void> = Promise.resolve();

  /** @param clock a time that is never set, in milliseconds. */
  constructor(private readonly clock: () => Millis = () => performance.now()) {}

  publish(publications: readonly Publishable[]): Promise<void> {
    return this.#inOrder(publications, (log) => ++log.offset);
  }

  publishHere(views: readonly Publishable[]): Promise<void> {
    let offset: number | undefined;
    return this.#inOrder(views, (log) => (offset ??= ++log.offset));
  }

  position(tenant: TenantId, channel: ChannelName): Position {
    return { epoch: this.#epoch, offset: this.#channels.get(tenant)?.get(channel)?.offset ?? 0 };
  }

  since(tenant: TenantId, positions: ReadonlyMap<ChannelName, Position>): Missed {
    const now = this.clock();
    const recovered = new Set<ChannelName>();
    const kept: Kept[] = [];
    for (const [channel, { epoch, offset }] of positions) {
      const missed = epoch === this.#epoch && this.#log.since(this.#logOf(tenant, channel), offset, now);
      if (!missed) continue;
      recovered.add(channel);
      for (const one of missed) kept.push(one);
    }
    if (recovered.size > 1) kept.sort((one, other) => one.sequence - other.sequence);
    return { recovered, publications: kept.map(({ publication }) => publication) };
  }

  positionsAt(
    tenant: TenantId,
    channel: ChannelName,
    { epoch, offset }: Position,
    channels: Iterable<ChannelName>,
  ): ReadonlyMap<ChannelName, Position> {
    const positions = new Map<ChannelName, Position>();
    const sequence =
      epoch === this.#epoch ? this.#log.sequenceOf(this.#logOf(tenant, channel), offset, this.clock()) : undefined;
    if (sequence === undefined) return positions;
    for (const other of channels) {
      const at = this.#log.offsetAt(this.#logOf(tenant, other), sequence);
      if (at !== undefined) positions.set(other, { epoch, offset: at });
    }
    return positions;
  }

  onPublication(listener: PublicationListener): void {
    this.#listeners.push(listener);
  }

  /** One call after the other, or the rest of a long one would come after what was published later. */
  #inOrder(publications: readonly Publishable[], number: (log: ChannelLog) => number): Promise<void> {
    const published = this.#lastPublish.then(() => this.#deliverAll(publications, number));
    this.#lastPublish = published.catch(() => undefined);
    return published;
  }

  async #deliverAll(publications: readonly Publishable[], number: (log: ChannelLog) => number): Promise<void> {
    let [count, begin] = [0, this.clock()];
    for (const publication of publications) {
      let now = this.clock();
      if (count === MOST_A_TURN || now - begin > LONGEST_TURN) {
        await new Promise(setImmediate);
        now = this.clock();
        [count, begin] = [0, now];
      }
      this.#deliver(publication, number, now);
      count++;
    }
  }

  #deliver(publishable: Publishable, number: (log: ChannelLog) => number, now: Millis): void {
    const { tenant, channel, message, stored } = publishable;
    const log = this.#logOf(tenant, channel);
    const publication = { tenant, channel, message, stored, epoch: this.#epoch, offset: number(log) };
    this.#log.add(log, publication, now);
    for (const listener of this.#listeners) listener(publication);
  }

  #logOf(tenant: TenantId, channel: ChannelName): ChannelLog {
    let logs = this.#channels.get(tenant);
    if (!logs) this.#channels.set(tenant, (logs = new Map<ChannelName, ChannelLog>()));
    let log = logs.get(channel);
    if (!log) logs.set(channel, (log = new ChannelLog()));
    return log;
  }
}
