import type { Connection } from './connection.js';
import type { Hub } from './hub.js';

/** Connections that are alike, as far as a census tells them apart. */
export interface Population {
  readonly dialect: string;
  readonly transport: Connection['transport']['name'];
  count: number;
}

/** Who is connected at one instant, and what waits for them. */
export interface Census {
  readonly connections: number;
  /** By dialect and transport: there are a few of each. */
  readonly populations: readonly Population[];
  readonly audiences: number;
  /** Of all connections together. */
  readonly subscriptions: number;
  /** Bytes that wait for readers, here and in the transports. */
  readonly queuedBytes: number;
  /** Publications that were merged into newer ones before they left, since the hub began. */
  readonly conflated: number;
}

/** Looks at every connection once: for who asks now and then, and not for who delivers. */
export function takeCensus(hub: Hub): Census {
  const populations = new Map<string, Population>();
  let [queuedBytes, conflated] = [0, hub.counts.conflatedBefore];
  for (const { dialect, transport, outbox } of hub.connections.values()) {
    const key = `${dialect.name} ${transport.name}`;
    let population = populations.get(key);
    if (!population) {
      populations.set(key, (population = { dialect: dialect.name, transport: transport.name, count: 0 }));
    }
    population.count++;
    queuedBytes += outbox.queuedBytes;
    conflated += outbox.conflated;
  }
  let [audiences, subscriptions] = [0, 0];
  for (const { members } of hub.audiences.all()) {
    audiences++;
    subscriptions += members.size;
  }
  const connections = hub.connections.size;
  return { connections, populations: [...populations.values()], audiences, subscriptions, queuedBytes, conflated };
}
