import type { Report, Table } from '../harness/report.js';
import { median, percentile } from '../harness/statistics.js';
import type { SqliteRound } from './ingest.bench.js';
import { BATCH, WRITERS } from './load.js';
import type { Round } from './round.js';
import type { Delivery } from './subscriber.js';

/** Beyond it, the load generator may have been what was measured. */
const BUSY_GENERATOR = 0.95;

const METHOD = `${WRITERS} writers post batches of ${BATCH} points, of a few hundred series, to \`/ingest/metrics\`, each its
next one when its last is acknowledged, into a SQLite file. Every point has tags, nearly every one a timestamp. A WebSocket
client is subscribed to their channel and gets every point; another one to a quiet channel, to which a point is posted ten
times a second. The floor is the same rows written by one prepared statement, 1,000 a transaction, in a process that does
nothing else.

A delivery “from the commit” counts from the end of the transaction that holds the point, which a module preloaded into the
server notes. “Without rollups” is the same server with a module preloaded that leaves them out, in turn with it. “From the request” counts from the moment the point is sent: it holds, besides, the time that the point waits
to be committed behind what the writers have under way, ${WRITERS} × ${BATCH} points at any moment, so it cannot be less than
these take.`;

export function ingestReport(rounds: readonly SqliteRound[], postgres: Round | undefined): Report {
  const ofAll = (pick: (round: SqliteRound) => readonly number[]) => rounds.flatMap(pick);
  const quietSinceCommit = ofAll(({ quietSinceCommit }) => quietSinceCommit);
  const busySinceCommit = ofAll(({ busySinceCommit }) => busySinceCommit);
  const deliveries: [channel: string, from: string, millis: readonly number[]][] = [
    ['quiet', 'commit', quietSinceCommit],
    ['quiet', 'request', ofAll(({ server }) => latencies(server.quiet))],
    ['busy', 'commit', busySinceCommit],
    ['busy', 'request', ofAll(({ server }) => latencies(server.busy))],
  ];
  if (postgres) deliveries.push(['quiet, PostgreSQL', 'request', latencies(postgres.quiet)]);
  if (postgres) deliveries.push(['busy, PostgreSQL', 'request', latencies(postgres.busy)]);
  return {
    name: 'ingest',
    title: 'Durable ingest',
    method: METHOD,
    tables: [
      throughput(rounds, postgres),
      {
        title: 'Deliveries meanwhile, milliseconds',
        columns: ['channel', 'from', 'p50', 'p99', 'max', 'deliveries'],
        rows: deliveries.map(([channel, from, millis]) => [channel, from, ...Object.values(summary(millis))]),
      },
      pacing(rounds),
    ],
    targets: [
      {
        what: 'points/s acknowledged, SQLite',
        measured: median(rounds.map(({ server }) => server.pointsPerSecond)),
        atLeast: 50_000,
      },
      {
        what: 'points/s × those without rollups',
        measured: median(
          rounds.map(({ server, withoutRollups }) => server.pointsPerSecond / withoutRollups.pointsPerSecond),
        ),
        atLeast: 0.65,
      },
      {
        what: 'delivery p99, ms from the commit, quiet channel',
        measured: percentile(quietSinceCommit, 0.99),
        atMost: 50,
      },
      {
        what: 'delivery p99, ms from the commit, busy channel',
        measured: percentile(busySinceCommit, 0.99),
        atMost: 50,
      },
    ],
    notes: notes(rounds, postgres),
    rounds: {
      sqlite: rounds.map(({ quietSinceCommit: quiet, busySinceCommit: busy, server, withoutRollups, ...round }) => ({
        ...round,
        server: figures(server),
        withoutRollups: figures(withoutRollups),
        sinceCommit: { quiet: summary(quiet), busy: summary(busy) },
      })),
      postgres: postgres && figures(postgres),
    },
  };
}

function throughput(rounds: readonly SqliteRound[], postgres: Round | undefined): Table {
  const of = (pick: (round: SqliteRound) => number) => median(rounds.map(pick));
  return {
    title: 'Points acknowledged after their commit',
    columns: ['', 'points/s', '× floor', 'CPU µs/point', 'generator busy'],
    rows: [
      ['floor: SQLite alone', of(({ floor }) => floor.rowsPerSecond), 1, of(({ floor }) => floor.cpuPerRow), undefined],
      [
        'Metricast, SQLite',
        of(({ server }) => server.pointsPerSecond),
        of(({ server, floor }) => server.pointsPerSecond / floor.rowsPerSecond),
        of(({ server }) => server.cpuPerPoint),
        of(({ server }) => server.generatorBusy),
      ],
      [
        'the same without rollups',
        of(({ withoutRollups }) => withoutRollups.pointsPerSecond),
        of(({ withoutRollups, floor }) => withoutRollups.pointsPerSecond / floor.rowsPerSecond),
        of(({ withoutRollups }) => withoutRollups.cpuPerPoint),
        of(({ withoutRollups }) => withoutRollups.generatorBusy),
      ],
      ...(postgres
        ? [['Metricast, PostgreSQL', postgres.pointsPerSecond, undefined, postgres.cpuPerPoint, postgres.generatorBusy]]
        : []),
    ],
  };
}

function pacing(rounds: readonly SqliteRound[]): Table {
  const of = (pick: (round: SqliteRound['pacing']) => number) => median(rounds.map(({ pacing }) => pick(pacing)));
  return {
    title: 'Transactions, milliseconds',
    columns: ['per second', 'points each', 'p50', 'p99', 'max', 'COMMIT p50', 'COMMIT p99'],
    rows: [
      [
        of(({ perSecond }) => perSecond),
        of(({ points }) => points),
        of(({ transactionP50 }) => transactionP50),
        of(({ transactionP99 }) => transactionP99),
        of(({ transactionMax }) => transactionMax),
        of(({ statementP50 }) => statementP50),
        of(({ statementP99 }) => statementP99),
      ],
    ],
  };
}

function notes(rounds: readonly SqliteRound[], postgres: Round | undefined): string[] {
  const all = [...rounds.map(({ server }) => server), ...(postgres ? [postgres] : [])];
  const busiest = Math.max(...all.map(({ generatorBusy }) => generatorBusy));
  const faults = [
    busiest > BUSY_GENERATOR && `the load generator was ${busiest.toFixed(2)} busy`,
    all.some(({ refused }) => refused > 0) && 'batches were refused',
    all.some(({ isSubscriberCut }) => isSubscriberCut) && 'a subscriber was cut',
    all.some(({ lost }) => lost > 0) && 'points of the quiet channel never came',
  ].filter((fault) => fault !== false);
  return [
    'SQLite and the floor commit to a write-ahead log with `synchronous = NORMAL`, as the server configures it.',
    postgres
      ? 'PostgreSQL ran one round, for the record: on the load generator’s core and without `fsync`, as the tests start it.'
      : 'PostgreSQL was skipped: there is none here.',
    ...(faults.length > 0 ? [`The run does not count: ${faults.join(', ')}.`] : []),
  ];
}

function latencies(deliveries: readonly Delivery[]): number[] {
  return deliveries.map(({ sentAt, receivedAt }) => receivedAt - sentAt);
}

function summary(millis: readonly number[]) {
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(millis, share));
  return { p50, p99, max, count: millis.length };
}

/** A round without its single deliveries. */
function figures({ quiet, busy, ...round }: Round) {
  return { ...round, sinceRequest: { quiet: summary(latencies(quiet)), busy: summary(latencies(busy)) } };
}
