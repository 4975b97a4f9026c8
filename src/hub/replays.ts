import type { ChannelName, Publication } from '../protocol/index.js';
import type { Audience } from './audience.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import type { DeliveryMaker } from './delivery-maker.js';
import type { Held, WasSent } from './held.js';
import type { Memberships } from './memberships.js';

/** Publications that wait for one subscription while it is sent what came before them. */
const MOST_HELD = 20_000;
/** Publications that leave in one turn of the event loop, of all that wait: others have their turn in between. */
const A_TURN = 500;

/** What becomes of what a connection is sent, and of one that makes others wait for too long. */
export interface ReplayActions {
  give(connection: Connection, delivery: Delivery): void;
  giveUp(connection: Connection): void;
}

/**
 * Sends one connection what all others were sent before. Keeps publications from subscriptions that are held, and sends
 * them once these are released: a part in each turn, in the order in which they were published. What is published
 * meanwhile is kept behind them, until nothing is left and the subscription is one like any other.
 *
 * All channels of a connection that were released go on together: the id of a message of a stream says of the other
 * channels that they are as far.
 */
export class Replays {
  /** Connections for which something is under way, in the order of their turns. */
  readonly #waiting = new Set<Connection>();
  #arrivals = 0;
  /** What was kept behind what is under way since the last part: so much more is in the next, or there might be no end. */
  #added = 0;
  #isScheduled = false;

  constructor(
    private readonly memberships: Memberships,
    private readonly deliveries: DeliveryMaker,
    private readonly actions: ReplayActions,
  ) {}

  replay(connection: Connection, publications: Iterable<Publication>): void {
    for (const publication of publications) {
      const audience = connection.memberships.get(publication.channel)?.audience;
      if (!connection.isOpen || !audience?.wants(publication.message)) continue;
      const delivery = this.deliveries.again(audience, publication);
      if (delivery) this.actions.give(connection, delivery);
    }
  }

  /** Shows a state, if it is wanted, and none was sent since the subscription began. */
  show(connection: Connection, publication: Publication): void {
    const membership = connection.memberships.get(publication.channel);
    if (!connection.isOpen || !membership?.audience.wants(publication.message)) return;
    const { audience, statesBefore } = membership;
    // What was published before it is under way.
    if (audience.held?.isReleased) return this.keep(audience, audience.held, publication);
    // A tick may have been faster, with this very state or a newer one.
    if (audience.states > statesBefore) return;
    const delivery = this.deliveries.of(audience, publication, new Map());
    if (delivery) this.actions.give(connection, delivery);
  }

  keep({ members }: Audience<Connection>, held: Held, publication: Publication): void {
    held.add(publication, ++this.#arrivals);
    if (held.isReleased) this.#added++;
    if (held.length <= MOST_HELD) return;
    for (const connection of members) this.actions.giveUp(connection);
  }

  release(connection: Connection, channel: ChannelName, wasSent: WasSent): void {
    const held = connection.memberships.get(channel)?.audience.held;
    if (!held || held.isReleased) return;
    held.release(wasSent);
    this.#waiting.add(connection);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#sendPart);
  }

  /** What was released counts as sent. Where its subscription ends, or is replaced, all that is left leaves before that. */
  finish(connection: Connection, channel: ChannelName): void {
    if (connection.memberships.get(channel)?.audience.held?.isReleased) this.finishAll(connection);
  }

  finishAll(connection: Connection): void {
    if (this.#waiting.delete(connection) && connection.isOpen) this.#send(connection, Infinity);
  }

  readonly #sendPart = (): void => {
    let left = A_TURN + this.#added;
    this.#added = 0;
    try {
      for (const connection of this.#waiting) {
        this.#waiting.delete(connection);
        // Also one for which nothing was kept costs something.
        left -= 1 + this.#send(connection, left);
        if (left <= 0) break;
      }
    } finally {
      // Nothing throws here; if it does, that must not hold up the others for ever.
      this.#isScheduled = this.#waiting.size > 0;
      if (this.#isScheduled) setImmediate(this.#sendPart);
    }
  };

  /** @returns how many have left, whether they had to be sent or not. */
  #send(connection: Connection, most: number): number {
    const released = [...connection.memberships.values()].filter(({ audience }) => audience.held?.isReleased);
    const all = released.map(({ audience }) => audience.held!);
    const due: Publication[] = [];
    let count = 0;
    let held: Held | undefined;
    while (count < most && (held = firstOf(all))) {
      const publication = held.take();
      if (publication) due.push(publication);
      count++;
    }
    this.replay(connection, due);
    if (firstOf(all)) this.#waiting.add(connection);
    else for (const { subscription } of released) this.memberships.begin(connection, subscription);
    return count;
  }
}

/** The one whose turn it is; `undefined` where none of them keeps anything. */
function firstOf(all: readonly Held[]): Held | undefined {
  let first: Held | undefined;
  for (const held of all) {
    if (held.firstArrival < (first?.firstArrival ?? Infinity)) first = held;
  }
  return first;
}
