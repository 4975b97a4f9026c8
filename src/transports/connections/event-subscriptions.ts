import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { BROKER, type Broker } from '../../broker/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import {
  type ChannelName,
  type CommandOf,
  MetricastError,
  NO_FILTER,
  type Publication,
  type TenantId,
  parseEventType,
} from '../../protocol/index.js';
import { EventStore } from '../../store/index.js';
import { Tenants } from '../../tenants/index.js';
import { Resumption } from './resumption.js';

/** Subscribes connections to types of events, on whichever channels these come, and ends that. */
@Injectable()
export class EventSubscriptions implements OnModuleInit {
  /** The channels on which each type has come while this instance runs, by tenant. */
  readonly #seen = new Map<TenantId, Map<string, Set<ChannelName>>>();

  constructor(
    private readonly hub: Hub,
    private readonly events: EventStore,
    private readonly tenants: Tenants,
    private readonly resumption: Resumption,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  onModuleInit(): void {
    // The hub begins to listen when all modules are ready: what is done here is done before it delivers.
    this.broker.onPublication((publication) => this.#follow(publication));
  }

  /** @throws {@link MetricastError} where the command as a whole cannot be done. */
  async watch(connection: Connection, command: CommandOf<'watch_events'>): Promise<void> {
    const { maxChannelsPerConnection: most } = this.tenants.effective(connection.principal.tenant).limits;
    const asked = [...new Set(command.eventTypes)];
    requireAtMost(most, asked.length);
    const known = await this.#channelsOf(connection, asked);
    for (const type of asked.filter((one) => !known.has(one))) {
      this.hub.sendError(connection, unknownEventType(type), command.id);
    }
    const watched = watchedBy(connection);
    // It may have come on one more while the store was asked.
    for (const [type, channels] of known)
      watched.set(type, [...new Set([...channels, ...this.#seenOn(connection, type)])]);
    requireAtMost(most, watched.size);
    this.#apply(connection, command, watched);
    if (!this.tenants.effective(connection.principal.tenant).isStreaming) {
      this.hub.sendError(connection, new MetricastError('streaming_disabled'), command.id);
    }
  }

  unwatch(connection: Connection, command: CommandOf<'unwatch_events'>): void {
    const watched = watchedBy(connection);
    for (const type of command.eventTypes ?? [...watched.keys()]) watched.delete(type);
    this.#apply(connection, command, watched);
  }

  #apply(connection: Connection, command: CommandOf<'watch_events' | 'unwatch_events'>, watched: Watched): void {
    const typesOf = new Map<ChannelName, string[]>();
    for (const [type, channels] of watched) {
      for (const channel of channels) typesOf.set(channel, [...(typesOf.get(channel) ?? []), type]);
    }
    const lastEventId = command.type === 'watch_events' ? command.lastEventId : undefined;
    const continuation = this.resumption.continuation(connection, { lastEventId }, [...typesOf.keys()]);
    for (const [channel, types] of typesOf) this.#subscribe(connection, channel, types);
    if (continuation) this.hub.replay(connection, continuation.publications);
    this.hub.unsubscribe(
      connection,
      connection.channels.filter((channel) => !typesOf.has(channel)),
    );
    this.hub.reply(connection, { type: 'watching', command, eventTypes: [...watched.keys()].sort() });
  }

  #subscribe(connection: Connection, channel: ChannelName, types: readonly string[]): void {
    this.hub.subscribe(connection, { channel, filter: NO_FILTER, format: 'snapshot', events: types.toSorted() });
  }

  /** Where a type comes on a channel for the first time, those who watch it have not heard of that channel yet. */
  #follow({ tenant, channel, message }: Publication): void {
    if (message.kind !== 'event') return;
    const { type } = message;
    let types = this.#seen.get(tenant);
    if (!types) this.#seen.set(tenant, (types = new Map<string, Set<ChannelName>>()));
    let seen = types.get(type);
    if (!seen) types.set(type, (seen = new Set<ChannelName>()));
    if (seen.has(channel)) return;
    seen.add(channel);
    for (const connection of this.hub.heads.connectionsOf(tenant)) {
      const channels = watchedBy(connection).get(type);
      if (!channels || channels.includes(channel)) continue;
      this.#subscribe(connection, channel, [...(connection.memberships.get(channel)?.subscription.events ?? []), type]);
    }
  }

  #seenOn({ principal }: Connection, type: string): Iterable<ChannelName> {
    return this.#seen.get(principal.tenant)?.get(type) ?? [];
  }

  #channelsOf({ principal }: Connection, types: readonly string[]): Promise<Watched> {
    return this.events.channelsOf(
      principal.tenant,
      types.filter((type) => parseEventType(type) !== undefined),
    );
  }
}

/** Event types, and the channels that each comes on. */
type Watched = Map<string, readonly ChannelName[]>;

/** The connection's subscriptions are all that says what it watches. */
function watchedBy({ memberships }: Connection): Watched {
  const watched: Watched = new Map();
  for (const [channel, { subscription }] of memberships) {
    for (const type of subscription.events ?? []) watched.set(type, [...(watched.get(type) ?? []), channel]);
  }
  return watched;
}

function requireAtMost(most: number, count: number): void {
  if (most === 0 || count <= most) return;
  throw new MetricastError('bad_subscription', { detail: `at most ${most} event types a connection` });
}

function unknownEventType(type: string): MetricastError {
  return new MetricastError('unknown_event_type', { name: parseEventType(type) });
}
