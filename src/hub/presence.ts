import type { ChannelName, Listener, TenantId } from '../protocol/index.js';
import type { Hub } from './hub.js';

/** Says who listens to a channel of a tenant. */
export interface Presence {
  /** Sorted by subject. */
  of(tenant: TenantId, channel: ChannelName): Promise<readonly Listener[]>;
}

/** The injection token of the {@link Presence} in use. */
export const PRESENCE = Symbol('metricast.presence');

/** The listeners of a single instance: those that its own hub knows. */
export class LocalPresence implements Presence {
  constructor(private readonly hub: Hub) {}

  of(tenant: TenantId, channel: ChannelName): Promise<readonly Listener[]> {
    const connections = new Map<string, number>();
    for (const { principal } of this.hub.audiences.membersOf(tenant, channel)) {
      connections.set(principal.subject, (connections.get(principal.subject) ?? 0) + 1);
    }
    const listeners = [...connections].map(([subject, count]) => ({ subject, connections: count }));
    return Promise.resolve(listeners.sort((one, other) => (one.subject < other.subject ? -1 : 1)));
  }
}
