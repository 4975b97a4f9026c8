import type { Census, HubCounts } from '../hub/index.js';

/** What the figures of the service are at one instant. */
export interface Reading {
  readonly census: Census;
  readonly counts: HubCounts;
  /** Connections that were refused, by the code of the error that they were told. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly queuedRows: number;
  /** Rows that were deleted because they were too old, by table. */
  readonly expiredRows: ReadonlyMap<string, number>;
  readonly process: {
    /** Of all processors together. */
    readonly cpuSeconds: number;
    readonly residentBytes: number;
    readonly heapBytes: number;
    /** Unix seconds. */
    readonly startedAt: number;
  };
}

type Labels = Readonly<Record<string, string | number>>;

/** One figure, or one for each of a few labels. Never for a tenant, a channel or a subject: of these there is no end. */
export interface Family {
  /** Behind `metricast_`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  readonly values: (reading: Reading) => Iterable<readonly [labels: Labels, value: number]>;
}

/** What is read when somebody asks for it. */
export const FAMILIES: readonly Family[] = [
  {
    name: 'connections',
    type: 'gauge',
    help: 'Open connections.',
    labels: ['dialect', 'transport'],
    values: ({ census }) =>
      census.populations.map(({ dialect, transport, count }) => [{ dialect, transport }, count] as const),
  },
  gauge('subscriptions', 'Subscriptions of all open connections.', ({ census }) => census.subscriptions),
  gauge('audiences', 'Groups of subscriptions that are sent the same frames.', ({ census }) => census.audiences),
  gauge('queued_bytes', 'Bytes that wait for readers.', ({ census }) => census.queuedBytes),
  counter('connections_opened_total', 'Connections that were opened.', ({ counts }) => counts.opened),
  {
    name: 'closes_total',
    type: 'counter',
    help: 'Connections that ended, by the close code that they were sent; "peer" where the client left by itself.',
    labels: ['code'],
    values: ({ counts }) => [...counts.closes].map(([code, count]) => [{ code }, count] as const),
  },
  {
    name: 'refusals_total',
    type: 'counter',
    help: 'Connections that were refused, by the code of the error that they were told.',
    labels: ['reason'],
    values: ({ refusals }) => [...refusals].map(([reason, count]) => [{ reason }, count] as const),
  },
  counter('publications_total', 'Publications that reached the hub.', ({ counts }) => counts.publications),
  counter('frames_total', 'Frames that connections were given, one for each of them.', ({ counts }) => counts.frames),
  counter('sent_bytes_total', 'Bytes of frames that were written to sockets.', ({ counts }) => counts.bytes),
  counter(
    'conflated_total',
    'Publications that were merged into newer ones because their reader was behind.',
    ({ census }) => census.conflated,
  ),
  gauge('write_queue_rows', 'Rows that wait to be committed.', ({ queuedRows }) => queuedRows),
  {
    name: 'expired_rows_total',
    type: 'counter',
    help: 'Rows that were deleted because they were older than they are kept, by table.',
    labels: ['table'],
    values: ({ expiredRows }) => [...expiredRows].map(([table, count]) => [{ table }, count] as const),
  },
  counter('process_cpu_seconds_total', 'Processor time of the process.', ({ process }) => process.cpuSeconds),
  gauge('process_resident_memory_bytes', 'Resident memory of the process.', ({ process }) => process.residentBytes),
  gauge('process_heap_bytes', 'Bytes of the JavaScript heap that are in use.', ({ process }) => process.heapBytes),
  gauge('process_start_time_seconds', 'When the process began, in Unix seconds.', ({ process }) => process.startedAt),
];

function gauge(name: string, help: string, value: (reading: Reading) => number): Family {
  return { name, type: 'gauge', help, values: (reading) => [[{}, value(reading)]] };
}

function counter(name: string, help: string, value: (reading: Reading) => number): Family {
  return { name, type: 'counter', help, values: (reading) => [[{}, value(reading)]] };
}
