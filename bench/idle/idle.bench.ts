import type { Bench, BenchContext } from '../harness/bench.js';
import { withProfile } from '../harness/profile.js';
import type { Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { busyNotes } from '../harness/window.js';
import { type IdleRound, measureIdle } from './connections.js';
import { METRICAST, NEST, PLAIN_WS, type Peer } from './peers.js';

const PEERS = [PLAIN_WS, NEST, METRICAST];
const KIB = 1024;

type Pick = (round: IdleRound) => number;

/** What it costs to let a client in and to keep it, beside a server that is nothing but `ws` and a Nest gateway. */
export const idle: Bench = async (context) => {
  const [rounds, connections] = context.quick ? [2, 1000] : [5, 10_000];
  const measured = new Map<Peer, IdleRound[]>(PEERS.map((peer) => [peer, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const peer of PEERS) {
      const result = await measureOne(peer, connections, context, round === rounds && peer === METRICAST);
      measured.get(peer)!.push(result);
      context.say(
        `round ${round} of ${rounds}: ${peer.what}, ${(result.resident / KIB).toFixed(1)} KiB resident, ` +
          `${Math.round(result.connectsPerSecond)} connects/s`,
      );
    }
  }
  const of = (peer: Peer, pick: Pick) => median(measured.get(peer)!.map(pick));
  const row = (what: string, pick: Pick): Table['rows'][number] => {
    const ours = of(METRICAST, pick);
    return [what, ...PEERS.map((peer) => of(peer, pick)), ours / of(PLAIN_WS, pick), ours / of(NEST, pick)];
  };
  const rate: Pick = ({ connectsPerSecond }) => Math.round(connectsPerSecond);
  return {
    name: 'idle',
    title: 'Idle connections',
    method:
      `${connections.toLocaleString('en-US')} connections, each with a token of its own, that have subscribed to a channel, ` +
      'received one message of it, and are silent since. Beside it a server that is nothing but `ws`, with one listener, ' +
      'and a Nest gateway on `WsAdapter`; both verify the same tokens by `@nestjs/jwt` (plain `ws` with a key that is ' +
      'prepared once, the gateway with a text, as is usual), answer the same message, and send the same. ' +
      `A new process each round, ${rounds} rounds in turn, medians; memory after garbage collection, without ` +
      'what the process had before. A connect is the handshake and the token, 50 at a time.',
    tables: [
      {
        title: 'Per connection',
        columns: ['', ...PEERS.map(({ what }) => what), '× plain ws', '× Nest'],
        rows: [
          row('resident, KiB', ({ resident }) => resident / KIB),
          row('heap, KiB', ({ heap }) => heap / KIB),
          row('CPU to connect, µs', ({ cpuPerConnect }) => cpuPerConnect),
          row('CPU to subscribe and be sent one message, µs', ({ cpuPerSubscribe }) => cpuPerSubscribe),
          row('connects/s', rate),
          row('generator busy while connecting', ({ generatorBusy }) => generatorBusy),
        ],
      },
    ],
    targets: [
      { what: 'resident, KiB a connection', measured: of(METRICAST, ({ resident }) => resident / KIB), atMost: 8 },
      { what: 'connects/s × plain ws', measured: of(METRICAST, rate) / of(PLAIN_WS, rate), atLeast: 0.85 },
    ],
    notes: [
      'What the kernel holds for a socket is in none of these.',
      ...busyNotes([...measured.values()].flat().map(({ generatorBusy }) => generatorBusy)),
    ],
    rounds: Object.fromEntries([...measured].map(([{ what }, results]) => [what, results])),
  };
};

async function measureOne(
  peer: Peer,
  connections: number,
  context: BenchContext,
  isProfiled: boolean,
): Promise<IdleRound> {
  const server = await peer.start(context);
  try {
    return await measureIdle(server, peer, connections, (open) =>
      isProfiled ? withProfile(context, server, 'connect', open) : open(),
    );
  } finally {
    await server.stop();
  }
}
