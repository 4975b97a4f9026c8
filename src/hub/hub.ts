import {
  CLOSE,
  type ChannelName,
  type Close,
  type CommandId,
  type Dialect,
  type Failure,
  type Interval,
  type MetricastError,
  type Millis,
  type Principal,
  type Publication,
  type Reply,
  type Subscription,
  type TagFilter,
  type TenantId,
  type WireMessage,
  bothFilters,
} from '../protocol/index.js';
import { AudienceRegister, type DemandListener, type IntervalListener } from './audience-register.js';
import type { Audience, Deliveries } from './audience.js';
import { Connection } from './connection.js';
import type { Framing, Transport } from './ports.js';
import { Delivery } from './delivery.js';
import { HeadCounts } from './head-counts.js';
import { HubCounts } from './hub-counts.js';
import { isStateLike } from './rendering.js';
import { Room } from './room.js';
import { Turn } from './turn.js';

/** Publications that wait for one connection while it is sent what came before them. */
const MOST_HELD = 20_000;

/** Told of a publication that could not be rendered or encoded for somebody. */
export type UnsayableListener = (publication: Publication, error: unknown) => void;

/**
 * Knows who is connected and what each wants, and brings every publication to those who do. Connections that want the
 * same form one audience, so what a publication costs beyond the writes depends on how many kinds of clients there
 * are, not on how many clients.
 */
export class Hub {
  readonly connections = new Map<string, Connection>();
  readonly counts = new HubCounts();
  readonly heads = new HeadCounts();
  readonly #audiences = new AudienceRegister();
  readonly #unsayableListeners: UnsayableListener[] = [];
  readonly #turn: Turn;
  readonly #replayed = new WeakMap<Publication, Deliveries>();
  readonly #room = new Room();

  /**
   * @param now the time of day.
   * @param clock a time that is never set, in whole milliseconds.
   */
  constructor(
    private readonly now: () => Millis = Date.now,
    private readonly clock: () => Millis = () => Math.floor(performance.now()),
  ) {
    this.#turn = new Turn(clock, (connection, at) => this.#flush(connection, at));
  }

  /** Takes in a connection, which is subscribed to nothing yet. */
  open(id: string, principal: Principal, dialect: Dialect, framing: Framing, transport: Transport): Connection {
    const connection = new Connection(id, principal, dialect, framing, transport, this.now());
    this.connections.set(id, connection);
    this.counts.opened++;
    this.heads.add(connection);
    return connection;
  }

  /** Lets a connection go; where a reason is given, its peer is told. Closing twice does nothing. */
  close(connection: Connection, reason?: Close): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.connections.delete(connection.id);
    this.heads.remove(connection);
    this.unsubscribe(connection);
    const said = reason && (connection.dialect.close?.(reason) ?? reason);
    if (said) {
      this.counts.bytes += connection.outbox.flush(this.clock());
      connection.transport.close(said);
    }
    connection.outbox.discard();
    this.counts.closed(said);
    this.counts.conflatedBefore += connection.outbox.conflated;
    this.#room.look(connection);
  }

  /** Subscribes; naming a channel again replaces what was wanted of it. */
  subscribe(connection: Connection, subscription: Subscription): void {
    this.#subscribe(connection, subscription);
  }

  /**
   * Subscribes, and keeps what is published until {@link release}: what came before is to be sent first. Who makes others
   * wait for too long is given up, as a slow reader is.
   */
  hold(connection: Connection, subscription: Subscription): void {
    this.#subscribe(connection, subscription, []);
  }

  /** Sends what was kept, but for what was sent by other means, and from here on what is published. */
  release(connection: Connection, channel: ChannelName, wasSent: (publication: Publication) => boolean): void {
    const membership = connection.memberships.get(channel);
    const held = membership?.audience.held;
    if (!held) return;
    this.subscribe(connection, membership.subscription);
    this.replay(
      connection,
      held.filter((publication) => !wasSent(publication)),
    );
  }

  /** Sends one connection what it wants of publications that it missed, in this order, before all that is yet to come. */
  replay(connection: Connection, publications: Iterable<Publication>): void {
    for (const publication of publications) {
      const audience = connection.memberships.get(publication.channel)?.audience;
      if (!connection.isOpen || !audience?.wants(publication.message)) continue;
      const delivery = this.#deliveryFor(audience, publication, this.#replayedOf(publication));
      if (!delivery) continue;
      this.counts.frames++;
      this.#turn.add(connection, delivery);
    }
  }

  /** Ends the subscriptions to these channels; without any, to all. */
  unsubscribe(connection: Connection, channels: Iterable<ChannelName> = [...connection.memberships.keys()]): void {
    for (const channel of channels) {
      const membership = connection.memberships.get(channel);
      if (!membership) continue;
      connection.memberships.delete(channel);
      this.#audiences.leave(connection, channel, membership.audience);
    }
  }

  /** Changes the encoding of everything that the connection is sent from here on. */
  reframe(connection: Connection, framing: Framing): void {
    if (connection.framing === framing) return;
    connection.framing = framing;
    this.#subscribeAnew(connection);
  }

  /**
   * Takes a newer token's principal for a connection, of the same subject and tenant. Its filter counts for all that the
   * connection is subscribed to, from here on.
   */
  renew(connection: Connection, principal: Principal): void {
    if (!connection.isOpen) return;
    connection.principal = principal;
    this.#subscribeAnew(connection);
  }

  /** Brings a publication to every connection that wants it. The hot path: nothing here is per connection but the push. */
  deliver(publication: Publication): void {
    this.counts.publications++;
    const audiences = this.#audiences.of(publication.tenant, publication.channel);
    if (!audiences) return;
    const { message } = publication;
    const ready: Deliveries = new Map();
    if (isStateLike(message) && message.filterKey !== undefined) {
      // A state is collected for a filter, and is for those who asked with it: nobody else need be looked at.
      const alike = audiences.get(message.filterKey);
      if (alike) this.#deliverTo(alike, publication, ready);
    } else {
      for (const alike of audiences.values()) this.#deliverTo(alike, publication, ready);
    }
  }

  /** Shows one connection a state, if it wants that, and was sent none since it subscribed. */
  showState(connection: Connection, publication: Publication): void {
    const membership = connection.memberships.get(publication.channel);
    if (!connection.isOpen || !membership?.audience.wants(publication.message)) return;
    const { audience, statesBefore } = membership;
    // A tick may have been faster, with this very state or a newer one.
    if (audience.states > statesBefore) return;
    const delivery = this.#deliveryFor(audience, publication, new Map());
    if (!delivery) return;
    this.counts.frames++;
    this.#turn.add(connection, delivery);
  }

  /** Delivers to audiences of one filter. */
  #deliverTo(alike: Map<string, Audience<Connection>>, publication: Publication, ready: Deliveries): void {
    for (const audience of alike.values()) {
      if (!audience.wants(publication.message)) continue;
      if (audience.held) {
        this.#keep(audience, audience.held, publication);
        continue;
      }
      const delivery = this.#deliveryFor(audience, publication, ready);
      if (!delivery) continue;
      if (isStateLike(publication.message)) audience.states++;
      this.counts.frames += audience.members.size;
      for (const connection of audience.members) this.#turn.add(connection, delivery);
    }
  }

  /** Sends one connection a message of its own. */
  send(connection: Connection, message: WireMessage): void {
    this.sendFrame(connection, connection.framing.frame(message));
  }

  /** Answers a command in the connection's dialect, if that has words for it. */
  reply(connection: Connection, reply: Reply): void {
    const message = connection.dialect.renderReply(reply, this.now());
    if (message) this.send(connection, message);
  }

  /** Tells one connection of an error, with the `id` of the command that it answers. */
  sendError(connection: Connection, error: MetricastError, id?: CommandId): void {
    const { dialect, framing } = connection;
    this.sendFrame(connection, framing.frame(dialect.renderError(error, this.now(), id), { isError: true }));
  }

  /** Sends one connection a frame that is ready, and may be shared with others. */
  sendFrame(connection: Connection, frame: Buffer): void {
    if (!connection.isOpen) return;
    this.counts.frames++;
    this.#turn.add(connection, new Delivery(frame));
  }

  /**
   * Resolves when the connection's reader has taken nearly all that it was sent: whoever has much to send waits for that
   * between two parts. Also where the connection has ended.
   */
  room(connection: Connection): Promise<void> {
    return this.#room.of(connection);
  }

  /** Goes on with what waits for a reader that is behind, and has read on or has had time to. */
  drain(connection: Connection): void {
    if (!connection.isOpen) return;
    if (connection.outbox.isBehind) {
      const now = this.clock();
      this.counts.bytes += connection.outbox.drain(now);
      this.#giveUpIfOverdue(connection, now);
    }
    this.#room.look(connection);
  }

  /** Asks the peer for a sign of life. */
  ping(connection: Connection): void {
    connection.outbox.ping(this.clock());
  }

  /**
   * The peer has answered the ping with this number: it has read what was written before it. False where it was not
   * asked, or has answered before.
   */
  answered(connection: Connection, ping: number): boolean {
    const wasOpen = connection.outbox.answered(ping, this.clock());
    this.drain(connection);
    return wasOpen;
  }

  /** The distinct filters with which a tenant's connections watch a channel, by their canonical keys. */
  filtersOf(tenant: TenantId, channel: ChannelName): ReadonlyMap<string, TagFilter> {
    return this.#audiences.filtersOf(tenant, channel);
  }

  /** The lengths of the windows that a view of a channel is wanted in. */
  intervalsOf(tenant: TenantId, channel: ChannelName, filterKey: string): ReadonlySet<Interval> {
    return this.#audiences.intervalsOf(tenant, channel, filterKey);
  }

  /** The channels of a tenant that anybody watches. */
  channelsOf(tenant: TenantId): ChannelName[] {
    return this.#audiences.channelsOf(tenant);
  }

  /** The open connections of a tenant, however many the others have. Those that are gone through may be closed. */
  connectionsOf(tenant: TenantId): Iterable<Connection> {
    return this.heads.connectionsOf(tenant);
  }

  /** Every audience that has members. */
  audiences(): Iterable<{ readonly members: ReadonlySet<Connection> }> {
    return this.#audiences.all();
  }

  /** The connections of a tenant that are subscribed to a channel, each once. */
  listenersOf(tenant: TenantId, channel: ChannelName): Iterable<Connection> {
    return this.#audiences.membersOf(tenant, channel);
  }

  isWatched(tenant: TenantId, channel: ChannelName): boolean {
    return this.#audiences.of(tenant, channel) !== undefined;
  }

  onDemand(listener: DemandListener): void {
    this.#audiences.onDemand(listener);
  }

  onInterval(listener: IntervalListener): void {
    this.#audiences.onInterval(listener);
  }

  onUnsayable(listener: UnsayableListener): void {
    this.#unsayableListeners.push(listener);
  }

  /**
   * What a host collects can turn out to be nothing that can be sent: a circle, a bigint, points that throw. To those
   * who would have got it, it failed; the other audiences don't notice.
   */
  #deliveryFor(audience: Audience<Connection>, publication: Publication, ready: Deliveries): Delivery | undefined {
    try {
      return audience.deliveryOf(publication, ready);
    } catch (error) {
      for (const listener of this.#unsayableListeners) listener(publication, error);
      const { timestamp } = publication.message;
      const failure: Failure = { kind: 'failure', timestamp, filterKey: audience.filterKey };
      return audience.deliveryOf({ ...publication, message: failure }, ready);
    }
  }

  #keep({ members }: Audience<Connection>, held: Publication[], publication: Publication): void {
    if (held.push(publication) <= MOST_HELD) return;
    for (const connection of members) this.close(connection, CLOSE.slowConsumer);
  }

  /** Many come back at once after a break: what they all missed is rendered once, as it was the first time. */
  #replayedOf(publication: Publication): Deliveries {
    let ready = this.#replayed.get(publication);
    if (!ready) this.#replayed.set(publication, (ready = new Map<string, Delivery | undefined>()));
    return ready;
  }

  /** @param held what was kept so far, where what is published is to be kept. */
  #subscribe(connection: Connection, subscription: Subscription, held?: Publication[]): void {
    if (!connection.isOpen) return;
    const { channel, filter } = subscription;
    const previous = connection.memberships.get(channel)?.audience;
    // Joins before it leaves: a channel that is watched throughout must not look deserted in between.
    const wanted = { ...subscription, filter: bothFilters(filter, connection.principal.filter) };
    const audience = held
      ? this.#audiences.joinHeld(connection, wanted, held)
      : this.#audiences.join(connection, wanted);
    connection.memberships.set(channel, { subscription, audience, statesBefore: audience.states });
    if (previous && previous !== audience) this.#audiences.leave(connection, channel, previous);
  }

  #subscribeAnew(connection: Connection): void {
    for (const { subscription, audience } of [...connection.memberships.values()]) {
      this.#subscribe(connection, subscription, audience.held);
    }
  }

  #flush(connection: Connection, now: Millis): void {
    if (!connection.isOpen) return;
    this.counts.bytes += connection.outbox.flush(now);
    this.#giveUpIfOverdue(connection, now);
    this.#room.look(connection);
  }

  #giveUpIfOverdue(connection: Connection, now: Millis): void {
    if (connection.outbox.isOverdue(now)) this.close(connection, CLOSE.slowConsumer);
  }
}
