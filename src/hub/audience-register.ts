import type { ChannelName, Interval, Subscription, TagFilter, TenantId } from '../protocol/index.js';
import { Audience } from './audience.js';
import type { Connection } from './connection.js';
import type { Held } from './held.js';

/** Told when the first connection of a tenant watches a channel, and when the last one stopped. */
export type DemandListener = (tenant: TenantId, channel: ChannelName, isWatched: boolean) => void;

/** Told when the first audience wants a channel in windows of this length, and when the last one stopped. */
export type IntervalListener = (tenant: TenantId, channel: ChannelName, interval: Interval, isWanted: boolean) => void;

/** The audiences of a channel: by the key of their filter, then by their own. */
type ChannelAudiences = Map<string, Map<string, Audience<Connection>>>;

/** Who watches what: all that whoever collects and publishes has to know. */
export interface Audiences {
  /** Those of all tenants that have members. */
  all(): Iterable<{ readonly members: ReadonlySet<Connection> }>;
  isWatched(tenant: TenantId, channel: ChannelName): boolean;
  /** The channels of a tenant that anybody watches. */
  channelsOf(tenant: TenantId): ChannelName[];
  /** The distinct filters with which a tenant's connections watch a channel, by their canonical keys. */
  filtersOf(tenant: TenantId, channel: ChannelName): ReadonlyMap<string, TagFilter>;
  /** The lengths of the windows that a view of a channel is wanted in. */
  intervalsOf(tenant: TenantId, channel: ChannelName, filterKey: string): ReadonlySet<Interval>;
  /** The connections of a tenant that are subscribed to a channel, each once. */
  membersOf(tenant: TenantId, channel: ChannelName): Iterable<Connection>;
  onDemand(listener: DemandListener): void;
  onInterval(listener: IntervalListener): void;
}

/** Every audience that has members, by tenant and channel. One begins with its first member and ends with its last. */
export class AudienceRegister implements Audiences {
  readonly #tenants = new Map<TenantId, Map<ChannelName, ChannelAudiences>>();
  readonly #demandListeners: DemandListener[] = [];
  /** How many audiences want each interval of each channel, of those that anybody wants. */
  readonly #intervals = new Map<string, number>();
  readonly #intervalListeners: IntervalListener[] = [];

  /** Makes the connection a member of the audience that wants this. */
  join(connection: Connection, wanted: Subscription): Audience<Connection> {
    const audience = this.#audienceFor(connection, wanted);
    audience.members.add(connection);
    return audience;
  }

  /** Makes the connection the only member of an audience that is kept from what is published: it is added to `held`. */
  joinHeld(connection: Connection, wanted: Subscription, held: Held): Audience<Connection> {
    const audience = this.#audienceFor(connection, wanted, ` ${connection.id}`);
    audience.held = held;
    audience.members.add(connection);
    return audience;
  }

  /** Ends the membership of a connection that has joined this audience. */
  leave(connection: Connection, channel: ChannelName, audience: Audience<Connection>): void {
    audience.members.delete(connection);
    if (audience.members.size > 0) return;
    const { tenant } = connection.principal;
    const channels = this.#tenants.get(tenant)!;
    const audiences = channels.get(channel)!;
    const alike = audiences.get(audience.filterKey)!;
    alike.delete(audience.key);
    if (audience.interval) this.#countInterval(tenant, channel, audience.interval, -1);
    if (alike.size === 0) audiences.delete(audience.filterKey);
    if (audiences.size > 0) return;
    channels.delete(channel);
    if (channels.size === 0) this.#tenants.delete(tenant);
    this.#tellDemand(tenant, channel, false);
  }

  /** The audiences of a channel, by the key of their filter and then by their own; `undefined` where nobody watches it. */
  of(tenant: TenantId, channel: ChannelName): ChannelAudiences | undefined {
    return this.#tenants.get(tenant)?.get(channel);
  }

  isWatched(tenant: TenantId, channel: ChannelName): boolean {
    return this.of(tenant, channel) !== undefined;
  }

  *all(): Iterable<Audience<Connection>> {
    for (const channels of this.#tenants.values()) {
      for (const audiences of channels.values()) {
        for (const alike of audiences.values()) yield* alike.values();
      }
    }
  }

  channelsOf(tenant: TenantId): ChannelName[] {
    return [...(this.#tenants.get(tenant)?.keys() ?? [])];
  }

  filtersOf(tenant: TenantId, channel: ChannelName): ReadonlyMap<string, TagFilter> {
    const filters = new Map<string, TagFilter>();
    for (const [filterKey, alike] of this.of(tenant, channel) ?? []) {
      for (const { filter } of alike.values()) filters.set(filterKey, filter);
    }
    return filters;
  }

  intervalsOf(tenant: TenantId, channel: ChannelName, filterKey: string): ReadonlySet<Interval> {
    const intervals = new Set<Interval>();
    for (const { interval } of this.of(tenant, channel)?.get(filterKey)?.values() ?? []) {
      if (interval) intervals.add(interval);
    }
    return intervals;
  }

  *membersOf(tenant: TenantId, channel: ChannelName): Iterable<Connection> {
    for (const alike of this.of(tenant, channel)?.values() ?? []) {
      for (const { members } of alike.values()) yield* members;
    }
  }

  onDemand(listener: DemandListener): void {
    this.#demandListeners.push(listener);
  }

  onInterval(listener: IntervalListener): void {
    this.#intervalListeners.push(listener);
  }

  #audienceFor(connection: Connection, wanted: Subscription, only = ''): Audience<Connection> {
    const { principal, dialect, framing } = connection;
    const { tenant } = principal;
    const { channel, format, filter, events, interval } = wanted;
    let channels = this.#tenants.get(tenant);
    if (!channels) this.#tenants.set(tenant, (channels = new Map<ChannelName, ChannelAudiences>()));
    let audiences = channels.get(channel);
    if (!audiences) {
      channels.set(channel, (audiences = new Map<string, Map<string, Audience<Connection>>>()));
      this.#tellDemand(tenant, channel, true);
    }
    const audience = new Audience<Connection>(dialect, framing, format, filter, events, interval, only);
    let alike = audiences.get(audience.filterKey);
    if (!alike) audiences.set(audience.filterKey, (alike = new Map<string, Audience<Connection>>()));
    const known = alike.get(audience.key);
    if (known) return known;
    alike.set(audience.key, audience);
    if (interval) this.#countInterval(tenant, channel, interval, 1);
    return audience;
  }

  #countInterval(tenant: TenantId, channel: ChannelName, interval: Interval, change: 1 | -1): void {
    const key = `${tenant} ${channel} ${interval}`;
    const before = this.#intervals.get(key) ?? 0;
    const after = before + change;
    if (after > 0) this.#intervals.set(key, after);
    else this.#intervals.delete(key);
    if (before > 0 && after > 0) return;
    for (const listener of this.#intervalListeners) listener(tenant, channel, interval, after > 0);
  }

  #tellDemand(tenant: TenantId, channel: ChannelName, isWatched: boolean): void {
    for (const listener of this.#demandListeners) listener(tenant, channel, isWatched);
  }
}
