import { setImmediate } from 'node:timers/promises';
import type { Connection, Framing, Hub } from '../../src/hub/index.js';
import {
  type ChannelName,
  type Dialect,
  type Format,
  type Principal,
  type TagFilter,
  NO_FILTER,
} from '../../src/protocol/index.js';
import { PlainDialect, lineFraming } from './plain-dialect.js';
import { principalWith } from './principals.js';
import { ORDERS } from './publications.js';
import { RecordingTransport } from './recording-transport.js';

export interface ConnectOptions {
  readonly principal?: Partial<Principal>;
  readonly dialect?: Dialect;
  readonly framing?: Framing;
}

export interface Connected {
  readonly connection: Connection;
  readonly transport: RecordingTransport;
}

const DIALECT = new PlainDialect();
const FRAMING = lineFraming();
let opened = 0;

/** A connection of the hub over a transport that records. */
export function connect(hub: Hub, options: ConnectOptions = {}): Connected {
  const { principal, dialect = DIALECT, framing = FRAMING } = options;
  const transport = new RecordingTransport();
  const connection = hub.open(`connection ${++opened}`, principalWith(principal), dialect, framing, transport);
  return { connection, transport };
}

/** What a connection wants of `orders.metrics`, but for what is said otherwise. */
export function wanting(particulars: { channel?: ChannelName; filter?: TagFilter; format?: Format } = {}) {
  return { channel: ORDERS, filter: NO_FILTER, format: 'snapshot' as const, ...particulars };
}

/** A connection that is subscribed to `orders.metrics`. */
export function subscriber(
  hub: Hub,
  options: ConnectOptions & { filter?: TagFilter; format?: Format } = {},
): Connected {
  const { filter = NO_FILTER, format = 'snapshot' } = options;
  const connected = connect(hub, options);
  hub.subscribe(connected.connection, wanting({ filter, format }));
  return connected;
}

/** The end of this turn of the event loop: the hub has flushed what the turn brought. */
export async function endOfTurn(): Promise<void> {
  await setImmediate();
}
