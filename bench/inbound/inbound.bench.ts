import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../harness/bench.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { withProfile } from '../harness/profile.js';
import type { Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { busyNotes, openWindow } from '../harness/window.js';
import { METRICAST, NEST, PLAIN_WS, type Peer } from './peers.js';
import { Pingers } from './pingers.js';

const CONNECTIONS = 50;
const PEERS = [PLAIN_WS, NEST, METRICAST];
/** Pings that a connection sends at once. */
const PIPELINED = 64;
const ONE_BY_ONE = 1;

interface InboundRound {
  readonly peer: Peer;
  readonly atOnce: number;
  readonly pingsPerSecond: number;
  /** Of the server, in microseconds. */
  readonly cpuPerPing: number;
  readonly generatorBusy: number;
}

/** What it costs to take a client's message, run its handler and answer. */
export const inbound: Bench = async (context) => {
  const [rounds, warmUp, seconds] = context.quick ? [2, 0.5, 1] : [5, 1, 4];
  const measured: InboundRound[] = [];
  const servers: ServerProcess[] = [];
  try {
    for (const peer of PEERS) servers.push(await peer.start(context));
    for (let round = 1; round <= rounds; round++) {
      for (const atOnce of [PIPELINED, ONE_BY_ONE]) {
        for (const [index, peer] of PEERS.entries()) {
          const server = servers[index]!;
          const load = () => measureRound(server, peer, atOnce, warmUp, seconds);
          const isProfiled = round === rounds && atOnce === PIPELINED && peer === METRICAST;
          const result = await (isProfiled ? withProfile(context, server, 'inbound', load) : load());
          measured.push(result);
          const rate = Math.round(result.pingsPerSecond);
          context.say(`round ${round} of ${rounds}: ${peer.what}, ${atOnce} at once: ${rate} pings/s`);
        }
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }

  const of = (peer: Peer, atOnce: number, pick: (round: InboundRound) => number) =>
    median(measured.filter((round) => round.peer === peer && round.atOnce === atOnce).map(pick));
  const cost = (peer: Peer, atOnce: number) => of(peer, atOnce, ({ cpuPerPing }) => cpuPerPing);
  const table = (title: string, atOnce: number): Table => ({
    title,
    columns: ['', 'pings/s', 'CPU µs/ping', '× plain ws', 'generator busy'],
    rows: PEERS.map((peer) => [
      peer.what,
      Math.round(of(peer, atOnce, ({ pingsPerSecond }) => pingsPerSecond)),
      cost(peer, atOnce),
      cost(peer, atOnce) / cost(PLAIN_WS, atOnce),
      of(peer, atOnce, ({ generatorBusy }) => generatorBusy),
    ]),
  });
  return {
    name: 'inbound',
    title: 'Messages from clients',
    method:
      `${CONNECTIONS} connections, each of which sends pings, masked as every client masks them, and the next ones when those ` +
      'before are answered. Beside it a server that is nothing but `ws`, `JSON.parse` and `send`, and a Nest gateway with ' +
      "`@SubscribeMessage('ping')` on `WsAdapter`. " +
      `${seconds} s each, ${rounds} rounds in turn, medians.`,
    tables: [
      table(`${PIPELINED} pings at once from each connection`, PIPELINED),
      table('One ping at a time from each connection', ONE_BY_ONE),
    ],
    targets: [
      {
        what: `pings/s answered on one core, ${PIPELINED} at once`,
        measured: of(METRICAST, PIPELINED, ({ pingsPerSecond }) => pingsPerSecond),
        atLeast: 80_000,
      },
    ],
    notes: [
      'One at a time, server and load generator wait for each other: what is compared there is the CPU time.',
      'The limit of messages a minute is off: all connections are one subject. The server runs in open mode.',
      ...busyNotes(measured.map(({ generatorBusy }) => generatorBusy)),
    ],
    rounds: measured.map(({ peer, ...round }) => ({ peer: peer.what, ...round })),
  };
};

async function measureRound(
  server: ServerProcess,
  peer: Peer,
  atOnce: number,
  warmUp: number,
  seconds: number,
): Promise<InboundRound> {
  const { path, ping } = peer;
  const pingers = await Pingers.open(server.port, { path, ping, atOnce, connections: CONNECTIONS });
  pingers.start();
  await sleep(warmUp * 1000);
  const close = openWindow(server);
  const before = pingers.answered;
  await sleep(seconds * 1000);
  const { cpu, generatorBusy, seconds: elapsed } = close();
  const pings = pingers.answered - before;
  await pingers.stop();
  await pingers.end();
  return { peer, atOnce, pingsPerSecond: pings / elapsed, cpuPerPing: (cpu / pings) * 1e6, generatorBusy };
}
