import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchContext } from '../harness/bench.js';
import { ServerProcess } from '../harness/measured-process.js';
import type { Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { type IdleRound, type Peer, measureIdle } from './connections.js';

const CONNECTIONS = 1000;
const CHANNEL = 'quiet.metrics';
const PLAIN_WS = fileURLToPath(new URL('plain-ws.mjs', import.meta.url));
const SUBSCRIBE = { type: 'subscribe', data: { channels: [CHANNEL] } };
const KIB = 1024;

/** What an idle connection costs, beside the same one of a server that is nothing but `ws`. */
export const idle: Bench = async (context) => {
  const rounds = context.quick ? 2 : 7;
  const measured: { plain: IdleRound; metricast: IdleRound }[] = [];
  for (let round = 1; round <= rounds; round++) {
    const plain = await measureOne(startPlain, context);
    const metricast = await measureOne(startMetricast, context);
    measured.push({ plain, metricast });
    const kib = (bytes: number) => (bytes / KIB).toFixed(1);
    context.say(`round ${round} of ${rounds}: heap ${kib(metricast.heap)} KiB, plain ws ${kib(plain.heap)}`);
  }
  const of = (pick: (round: IdleRound) => number): [plain: number, metricast: number] => [
    median(measured.map(({ plain }) => pick(plain))),
    median(measured.map(({ metricast }) => pick(metricast))),
  ];
  const row = (what: string, pick: (round: IdleRound) => number): Table['rows'][number] => {
    const [plain, metricast] = of(pick);
    return [what, plain, metricast, metricast / plain];
  };
  return {
    name: 'idle',
    title: 'Idle connections',
    method:
      `${CONNECTIONS.toLocaleString('en-US')} connections that have sent one message, which subscribes them to a channel on ` +
      'which nothing happens, and received its answer. Beside it a server that is nothing but `ws`, with one listener, which ' +
      `answers the same message. A new process each round, ${rounds} rounds in turn, medians; memory after garbage ` +
      'collection, without what the process had before. A connect is the handshake alone, 50 at a time.',
    tables: [
      {
        title: 'Per connection',
        columns: ['', 'plain ws', 'Metricast', 'ratio'],
        rows: [
          row('heap, KiB', ({ heap }) => heap / KIB),
          row('outside the heap, KiB', ({ external }) => external / KIB),
          row('resident, KiB', ({ resident }) => resident / KIB),
          row('CPU to connect and subscribe, µs', ({ cpuPerConnection }) => cpuPerConnection),
          row('connects/s', ({ connectsPerSecond }) => connectsPerSecond),
        ],
      },
    ],
    targets: [],
    notes: [
      'What the kernel holds for a socket is in none of these. The server runs in open mode: no token is verified.',
    ],
    rounds: measured,
  };
};

type Start = (context: BenchContext) => Promise<Peer>;

async function measureOne(start: Start, context: BenchContext): Promise<IdleRound> {
  const peer = await start(context);
  try {
    return await measureIdle(peer, CONNECTIONS);
  } finally {
    await peer.server.stop();
  }
}

const startPlain: Start = async ({ cores }) => ({
  server: await ServerProcess.start(PLAIN_WS, { core: cores?.server }),
  path: '/',
  message: SUBSCRIBE,
  answer: '"received"',
});

const startMetricast: Start = async ({ dist, temporary, cores }) => {
  const server = await ServerProcess.start(fileURLToPath(new URL('main.js', dist)), {
    core: cores?.server,
    // All of them are one subject, which may not send that many messages a minute.
    env: { DATABASE_URL: `sqlite:${join(temporary, 'idle.db')}`, RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: '0' },
  });
  // A channel comes into being with its first point.
  await fetch(`http://127.0.0.1:${server.port}/ingest/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel: CHANNEL, name: 'first', type: 'gauge', value: 1 }),
  });
  return { server, path: '/ws/metrics', message: SUBSCRIBE, answer: '"subscribed"' };
};
