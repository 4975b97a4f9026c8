import type { ChannelName, Dialect, Millis, Principal, Subscription } from '../protocol/index.js';
import type { Audience } from './audience.js';
import { Outbox } from './outbox.js';
import type { Framing, Transport } from './ports.js';

export interface Membership {
  /** As it was asked for; its audience has the filter of the principal as well. */
  readonly subscription: Subscription;
  readonly audience: Audience<Connection>;
  /** States that the audience had been sent when the connection joined it. */
  readonly statesBefore: number;
}

/** One open WebSocket or SSE stream: who is at its end, what it wants, and what waits for it. */
export class Connection {
  readonly outbox: Outbox;
  readonly memberships = new Map<ChannelName, Membership>();
  isOpen = true;
  lastHeardAt: Millis;
  nextPingAt: Millis = 0;

  constructor(
    readonly id: string,
    public principal: Principal,
    readonly dialect: Dialect,
    public framing: Framing,
    readonly transport: Transport,
    readonly connectedAt: Millis,
  ) {
    this.lastHeardAt = connectedAt;
    this.outbox = new Outbox(transport);
  }

  /** Of what it is sent. */
  get encoding(): 'json' | 'msgpack' {
    return this.framing === this.transport.encodings?.messagePack ? 'msgpack' : 'json';
  }

  /** The channels that it is subscribed to, sorted. */
  get channels(): ChannelName[] {
    return [...this.memberships.keys()].sort();
  }
}
