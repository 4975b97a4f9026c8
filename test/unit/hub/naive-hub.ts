import type { ChannelName, Event, Format, Message, Sample, TagFilter, TenantId } from '../../../src/protocol/index.js';

export interface NaiveSubscription {
  readonly filter: TagFilter;
  readonly format: Format;
  readonly events: readonly string[] | undefined;
}

export interface NaiveConnection {
  readonly tenant: TenantId;
  readonly dialect: string;
  readonly tokenFilter: TagFilter;
  framing: string;
  isOpen: boolean;
  readonly wants: Map<ChannelName, NaiveSubscription>;
  /** What was pushed in this turn, and what was written before. */
  waiting: string[];
  received: string[];
}

/** The hub as one would write it who has all the time in the world: asks every connection about every publication. */
export class NaiveHub {
  readonly connections: NaiveConnection[] = [];

  open(tenant: TenantId, dialect: string, framing: string, tokenFilter: TagFilter): void {
    this.connections.push({
      tenant,
      dialect,
      framing,
      tokenFilter,
      isOpen: true,
      wants: new Map(),
      waiting: [],
      received: [],
    });
  }

  deliver(tenant: TenantId, channel: ChannelName, message: Message, offset: number, collectedFor: TagFilter): void {
    for (const connection of this.connections) {
      const subscription = connection.wants.get(channel);
      if (!connection.isOpen || connection.tenant !== tenant || !subscription) continue;
      const filters = [subscription.filter, connection.tokenFilter];
      const isWanted =
        message.kind === 'state' || message.kind === 'failure'
          ? meaning([collectedFor]) === meaning(filters)
          : filters.every((filter) => lets(filter, message)) && isOfType(subscription.events, message);
      if (!isWanted) continue;
      connection.waiting.push(lineOf(connection.framing, connection.dialect, subscription.format, channel, offset));
    }
  }

  endTurn(): void {
    for (const connection of this.connections) write(connection);
  }

  /** Where the peer is told, it gets what waits; where it is gone, nobody does. */
  close(connection: NaiveConnection, isTold: boolean): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    connection.wants.clear();
    if (isTold) write(connection);
    connection.waiting = [];
  }

  get watched(): string[] {
    const open = this.connections.filter(({ isOpen }) => isOpen);
    return [
      ...new Set(open.flatMap(({ tenant, wants }) => [...wants.keys()].map((channel) => `${tenant} ${channel}`))),
    ].sort();
  }
}

/** How one publication reads on the wire. */
export function lineOf(framing: string, dialect: string, format: Format, channel: string, offset: number): string {
  return `${framing} ${dialect} ${format} ${channel} ${offset}`;
}

function write(connection: NaiveConnection): void {
  connection.received.push(...connection.waiting);
  connection.waiting = [];
}

function isOfType(events: readonly string[] | undefined, message: Sample | Event): boolean {
  return message.kind === 'sample' || !events || events.some((type) => type === message.type);
}

function lets(filter: TagFilter, { tags }: Sample | Event): boolean {
  return Object.entries(filter).every(([name, values]) => values.some((value) => value === tags[name]));
}

/** What filters let through together, as a text: per name the values that all of them have. */
function meaning(filters: readonly TagFilter[]): string {
  const names = [...new Set(filters.flatMap((filter) => Object.keys(filter)))].sort();
  return names
    .map((name) => {
      const lists = filters.map((filter) => filter[name]).filter((values) => values !== undefined);
      const common = lists[0]!.filter((value) => lists.every((values) => values.includes(value)));
      return `${name}=${[...common].sort().join('|')}`;
    })
    .join('&');
}
