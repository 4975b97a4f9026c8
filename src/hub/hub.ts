import {
  CLOSE,
  type ChannelName,
  type Close,
  type CommandId,
  type Dialect,
  type MetricastError,
  type Millis,
  type Principal,
  type Publication,
  type Reply,
  type Subscription,
  type WireMessage,
} from '../protocol/index.js';
import { AudienceRegister, type Audiences } from './audience-register.js';
import type { Audience, Deliveries } from './audience.js';
import { Connection } from './connection.js';
import type { Framing, Transport } from './ports.js';
import { Delivery } from './delivery.js';
import { DeliveryMaker, type UnsayableListener } from './delivery-maker.js';
import { HeadCounts } from './head-counts.js';
import { Held, type WasSent } from './held.js';
import { HubCounts } from './hub-counts.js';
import { Memberships } from './memberships.js';
import { Pace } from './pace.js';
import { Replays } from './replays.js';
import { isStateLike } from './rendering.js';
import { Turn } from './turn.js';

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
  readonly #memberships = new Memberships(this.#audiences);
  readonly #deliveries = new DeliveryMaker();
  readonly #replays = new Replays(this.#memberships, this.#deliveries, {
    give: (connection, delivery) => this.#give(connection, delivery),
    giveUp: (connection) => this.#giveUp(connection),
  });
  readonly #pace: Pace;
  readonly #turn: Turn;

  /**
   * @param now the time of day.
   * @param clock a time that is never set, in whole milliseconds.
   */
  constructor(
    private readonly now: () => Millis = Date.now,
    clock: () => Millis = () => Math.floor(performance.now()),
  ) {
    this.#pace = new Pace(clock, this.counts, (connection) => this.#giveUp(connection));
    this.#turn = new Turn(clock, (connection, at) => this.#pace.flush(connection, at));
  }

  get audiences(): Audiences {
    return this.#audiences;
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
    if (reason && reason !== CLOSE.slowConsumer) this.#replays.finishAll(connection);
    connection.isOpen = false;
    this.connections.delete(connection.id);
    this.heads.remove(connection);
    this.unsubscribe(connection);
    const said = reason && (connection.dialect.close?.(reason) ?? reason);
    this.counts.closed(said);
    this.#pace.end(connection, said);
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
    this.#subscribe(connection, subscription, new Held());
  }

  /**
   * Sends what was kept, but for what was sent by other means, and from there on what is published: from the next turn
   * of the event loop on, and in several where it is much.
   */
  release(connection: Connection, channel: ChannelName, wasSent: WasSent): void {
    this.#replays.release(connection, channel, wasSent);
  }

  /** Sends one connection what it wants of publications that it missed, in this order, before all that is yet to come. */
  replay(connection: Connection, publications: Iterable<Publication>): void {
    this.#replays.replay(connection, publications);
  }

  /** Ends the subscriptions to these channels; without any, to all. */
  unsubscribe(connection: Connection, channels: Iterable<ChannelName> = [...connection.memberships.keys()]): void {
    for (const channel of channels) {
      this.#replays.finish(connection, channel);
      this.#memberships.end(connection, channel);
    }
  }

  /** Changes the encoding of everything that the connection is sent from here on. */
  reframe(connection: Connection, framing: Framing): void {
    if (connection.framing === framing) return;
    connection.framing = framing;
    this.#memberships.beginAnew(connection);
  }

  /**
   * Takes a newer token's principal for a connection, of the same subject and tenant. Its filter counts for all that the
   * connection is subscribed to, from here on.
   */
  renew(connection: Connection, principal: Principal): void {
    if (!connection.isOpen) return;
    connection.principal = principal;
    this.#memberships.beginAnew(connection);
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
    this.#replays.show(connection, publication);
  }

  /** Delivers to audiences of one filter. */
  #deliverTo(alike: Map<string, Audience<Connection>>, publication: Publication, ready: Deliveries): void {
    for (const audience of alike.values()) {
      if (!audience.wants(publication.message)) continue;
      if (audience.held) {
        this.#replays.keep(audience, audience.held, publication);
        continue;
      }
      const delivery = this.#deliveries.of(audience, publication, ready);
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
    if (connection.isOpen) this.#give(connection, new Delivery(frame));
  }

  /**
   * Resolves when the connection's reader has taken nearly all that it was sent: whoever has much to send waits for that
   * between two parts. Also where the connection has ended.
   */
  room(connection: Connection): Promise<void> {
    return this.#pace.room(connection);
  }

  /** Goes on with what waits for a reader that is behind, and has read on or has had time to. */
  drain(connection: Connection): void {
    this.#pace.drain(connection);
  }

  /** Asks the peer for a sign of life. */
  ping(connection: Connection): void {
    this.#pace.ping(connection);
  }

  /**
   * The peer has answered the ping with this number: it has read what was written before it. False where it was not
   * asked, or has answered before.
   */
  answered(connection: Connection, ping: number): boolean {
    return this.#pace.answered(connection, ping);
  }

  onUnsayable(listener: UnsayableListener): void {
    this.#deliveries.onUnsayable(listener);
  }

  #subscribe(connection: Connection, subscription: Subscription, held?: Held): void {
    if (!connection.isOpen) return;
    this.#replays.finish(connection, subscription.channel);
    this.#memberships.begin(connection, subscription, held);
  }

  /** Gives one connection, which is open, what is for it alone. */
  #give(connection: Connection, delivery: Delivery): void {
    this.counts.frames++;
    this.#turn.add(connection, delivery);
  }

  #giveUp(connection: Connection): void {
    this.close(connection, CLOSE.slowConsumer);
  }
}
