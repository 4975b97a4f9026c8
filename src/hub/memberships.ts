import { type ChannelName, type Subscription, bothFilters } from '../protocol/index.js';
import type { AudienceRegister } from './audience-register.js';
import type { Connection } from './connection.js';
import type { Held } from './held.js';

/** Makes connections members of the audiences that want what they asked for. */
export class Memberships {
  constructor(private readonly audiences: AudienceRegister) {}

  /**
   * Replaces what a connection wanted of the channel.
   *
   * @param held what was kept so far, where what is published is to be kept.
   */
  begin(connection: Connection, subscription: Subscription, held?: Held): void {
    const { channel, filter } = subscription;
    const previous = connection.memberships.get(channel)?.audience;
    // Joins before it leaves: a channel that is watched throughout must not look deserted in between.
    const wanted = { ...subscription, filter: bothFilters(filter, connection.principal.filter) };
    const audience = held ? this.audiences.joinHeld(connection, wanted, held) : this.audiences.join(connection, wanted);
    connection.memberships.set(channel, { subscription, audience, statesBefore: audience.states });
    if (previous && previous !== audience) this.audiences.leave(connection, channel, previous);
  }

  /** The connection's framing or filter is another one: what it wants, it wants of other audiences. */
  beginAnew(connection: Connection): void {
    for (const { subscription, audience } of [...connection.memberships.values()]) {
      this.begin(connection, subscription, audience.held);
    }
  }

  end(connection: Connection, channel: ChannelName): void {
    const membership = connection.memberships.get(channel);
    if (!membership) return;
    connection.memberships.delete(channel);
    this.audiences.leave(connection, channel, membership.audience);
  }
}
