import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import {
  BUILT_IN_EVENT_TYPES,
  type ChannelName,
  type Event,
  type Publishable,
  type TenantId,
  canonicalKey,
} from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { KnownEventType } from './event-type.entity.js';
import type { Write } from './statement.js';

/** An event and the channel that it is for. */
export interface ChannelEvent {
  readonly channel: ChannelName;
  readonly event: Event;
}

/** The event types that the host declares, by channel. */
export type DeclaredEventTypes = Readonly<Record<string, readonly string[]>>;

export const DECLARED_EVENT_TYPES = Symbol('metricast.declared-event-types');

/** Writes events, and knows which types have come on which channels of a tenant. */
@Injectable()
export class EventStore {
  /** Pairs of type and channel that are stored, by tenant. */
  readonly #known = new Map<TenantId, Set<string>>();

  constructor(
    @InjectRepository(KnownEventType, DATA_SOURCE) private readonly types: Repository<KnownEventType>,
    @Inject(DECLARED_EVENT_TYPES) private readonly declared: DeclaredEventTypes,
  ) {}

  /**
   * Appends events. Returns what remembers their types, and says what is to be published: to be called once they are
   * committed.
   */
  *append(tenant: TenantId, events: readonly ChannelEvent[]): Write<() => readonly Publishable[]> {
    if (events.length === 0) return () => [];
    const rows = yield {
      into: 'metricast_event',
      columns: ['tenant_id', 'channel', 'type', 'timestamp', 'tags', 'data'],
      rows: events.map(({ channel, event }) => [
        tenant,
        channel,
        event.type,
        event.timestamp,
        canonicalKey(event.tags),
        JSON.stringify(event.data),
      ]),
      numbered: 'event_id',
    };
    const known = this.#known.get(tenant);
    const learned = new Set(events.map(keyOf).filter((key) => !known?.has(key)));
    if (learned.size > 0) {
      yield {
        into: 'metricast_event_type',
        columns: ['tenant_id', 'type', 'channel'],
        rows: [...learned].sort().map((key) => [tenant, ...key.split(' ')]),
        onConflict: 'ON CONFLICT (tenant_id, type, channel) DO NOTHING',
      };
    }
    return () => {
      const all = this.#known.get(tenant);
      if (all) for (const key of learned) all.add(key);
      else this.#known.set(tenant, learned);
      return events.map(({ channel, event }, index) => {
        return { tenant, channel, message: event, stored: { row: rows[index]!['event_id'] as number } };
      });
    };
  }

  /** The channels of those of the types that exist, by type: built in, declared by the host, or published before. */
  async channelsOf(tenant: TenantId, types: readonly string[]): Promise<Map<string, readonly ChannelName[]>> {
    const published = types.length > 0 ? await this.types.findBy({ tenantId: tenant, type: In([...types]) }) : [];
    const channels = new Map<string, readonly ChannelName[]>();
    for (const type of types) {
      const all = [
        ...(BUILT_IN_EVENT_TYPES.get(type) ?? []),
        ...Object.keys(this.declared).filter((channel) => this.declared[channel]!.includes(type)),
        ...published.filter((row) => row.type === type).map(({ channel }) => channel),
      ];
      if (all.length > 0) channels.set(type, [...new Set(all as ChannelName[])]);
    }
    return channels;
  }
}

/** Neither a type nor a channel can hold a space. */
function keyOf({ channel, event }: ChannelEvent): string {
  return `${event.type} ${channel}`;
}
