import { expect } from 'vitest';
import type { ChannelName, Event, TenantId } from '../../src/protocol/index.js';
import { type DeclaredEventTypes, ChannelDirectory, EventStore } from '../../src/store/index.js';
import { KnownEventType } from '../../src/store/event-type.entity.js';
import { MetricSeries } from '../../src/store/metric-series.entity.js';
import { eventWith } from './publications.js';
import type { Storage } from './storage.js';

/** An event to be appended: what is not said of it does not matter. */
export interface Appended extends Partial<Event> {
  readonly channel: ChannelName;
  readonly type: string;
}

export function channelEvent({ channel, ...event }: Appended) {
  return { channel, event: eventWith(event) };
}

/** The events of a database: appends them as recorders do, and says what is known of them. */
export class EventLog {
  constructor(private readonly storage: Storage) {}

  /** A store that knows nothing yet, as after a restart. */
  newStore(declared: DeclaredEventTypes = {}): EventStore {
    return new EventStore(this.storage.dataSource.getRepository(KnownEventType), declared);
  }

  /** A directory that knows nothing yet. */
  newDirectory(declared: DeclaredEventTypes = {}): ChannelDirectory {
    const { dataSource } = this.storage;
    return new ChannelDirectory(
      dataSource.getRepository(MetricSeries),
      dataSource.getRepository(KnownEventType),
      declared,
    );
  }

  /** What was written is remembered once it is committed. */
  async append(tenant: TenantId, events: readonly Appended[], store = this.storage.events): Promise<void> {
    const remember = await this.storage.write(() => store.append(tenant, events.map(channelEvent)), events.length);
    remember();
  }

  /** Appends as part of a write that fails. */
  async failToAppend(tenant: TenantId, events: readonly Appended[], store = this.storage.events): Promise<void> {
    const failing = this.storage.write(function* () {
      yield* store.append(tenant, events.map(channelEvent));
      throw new Error('the rest of the write');
    });
    await expect(failing).rejects.toMatchObject({ code: 'busy' });
  }

  /** The types that are stored, each with its channel, sorted. */
  types(tenant: TenantId) {
    const sql = 'SELECT type, channel FROM metricast_event_type WHERE tenant_id = $1 ORDER BY type, channel';
    return this.storage.rows(sql, [tenant]);
  }

  /** The types that exist, each with its channels, sorted. */
  async channelsOf(tenant: TenantId, types: readonly string[], store = this.storage.events) {
    const found = await store.channelsOf(tenant, types);
    return [...found].map(([type, channels]) => [type, [...channels].sort()]);
  }
}
