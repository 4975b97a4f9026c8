import type { Report, Table } from '../harness/report.js';
import { busyNotes } from '../harness/window.js';
import { METRICAST, METRICAST_DASHBOARD } from '../peers/metricast.js';
import { FLOOR, FLOOR_TOGETHER, SSE_FLOOR, SSE_FLOOR_TOGETHER, WS_FRAMES_TOGETHER } from '../peers/node-peers.js';
import type { PeerKind } from '../peers/peer.js';
import { type FanoutRounds, fanoutTargets } from './fanout-targets.js';
import { p50, p99, perSecond, w1, w8 } from './figures.js';
import type { Rounds } from './rounds.js';
import { installedVersions } from './versions.js';

export const METHOD = `1,000 connections, a message of 1 KB that all of them get, and how much time the server's process takes for each delivery,
user and system. **w1**: publish one, wait until all have it, publish the next. **w8**: eight in one request before waiting: a
dashboard of eight panels, or a busy moment. **Paced**: ten a second, and the latency from publishing to each receipt. Every server takes
the messages by HTTP and sends them. Metricast is the whole server as \`npm start\` starts it; a module preloaded into it hands the
messages to its broker, as a tick does with the states that it collects. “Recorded first” is the same server where they are posted to
\`/ingest/metrics\` instead, validated, and committed to SQLite before they are sent, which no other server here does.

The Node floor writes a frame, made once for all, to bare sockets; “together” means all that one request publishes in one
write. Every server has its turn in every round, on the same core; the tables show medians, and the medians of the ratios within a
round. User time is that of all rounds together. The load generator is written in C, opens the connections, publishes, counts, and answers the
pings by which Metricast tells how far its readers are; it polls, so that no server pays for waking it, and its column is the share of the
time in which it had something to do, at most.

Before each measurement two messages are sent, with 0.1 s of silence after each: Linux takes a client that has just answered
something for one that converses, and acknowledges every other frame while that is being sent, which over loopback is the
server's time, some 1.2 µs a delivery. Metricast's pings, at most one in five seconds for each client, seldom fall into what is
measured; where nothing pauses for 40 ms, what follows one is dearer by that much.`;

export function fanoutReport(measured: FanoutRounds): Report {
  const { webSockets, streams, all, dashboards, compressed, few } = measured;
  const groups = [all, dashboards, compressed, few];
  return {
    name: 'fanout',
    title: 'Fan-out',
    method: METHOD,
    tables: [
      costs('WebSocket: CPU µs a delivery', webSockets, all),
      costs('Server-sent events: CPU µs a delivery', streams, all, [SSE_FLOOR, SSE_FLOOR_TOGETHER]),
      dashboardTable(dashboards),
      compressionTable(compressed),
      fewTable(few),
    ],
    targets: fanoutTargets(measured),
    notes: [
      'The eight channels of a dashboard are Metricast’s; the others have none, so all their eight messages go the one way they have.',
      installedVersions(),
      ...new Set(groups.flatMap(({ skipped }) => skipped)),
      ...generatorNotes(groups),
    ],
    rounds: {
      all: all.figures,
      dashboards: dashboards.figures,
      compressed: compressed.figures,
      few: few.figures,
    },
  };
}

export function generatorNotes(groups: readonly Rounds[]): string[] {
  return busyNotes(groups.flatMap((rounds) => rounds.kinds.map((kind) => rounds.generatorBusy(kind))));
}

/** A row for each server that was here. */
export function costs(
  title: string,
  kinds: readonly PeerKind[],
  rounds: Rounds,
  ownFloors?: readonly [PeerKind, PeerKind],
): Table {
  const { pacedSeconds } = rounds.plan;
  return {
    title,
    columns: [
      '',
      ...['w1', '× floor', ...(ownFloors ? ['× SSE floor'] : [])],
      ...['w8', '× floor, together', ...(ownFloors ? ['× SSE floor, together'] : [])],
      ...(pacedSeconds ? ['paced p50 ms', 'p99 ms', 'p99 × floor'] : []),
      ...['w1 user', 'w8 user', 'generator busy'],
    ],
    rows: kinds
      .filter((kind) => rounds.kinds.includes(kind))
      .map((kind) => [
        kind.name,
        rounds.median(kind, w1),
        rounds.ratio([kind, w1], [FLOOR, w1]),
        ...(ownFloors ? [rounds.ratio([kind, w1], [ownFloors[0], w1])] : []),
        rounds.median(kind, w8),
        rounds.ratio([kind, w8], [FLOOR_TOGETHER, w8]),
        ...(ownFloors ? [rounds.ratio([kind, w8], [ownFloors[1], w8])] : []),
        ...(pacedSeconds
          ? [rounds.median(kind, p50), rounds.median(kind, p99), rounds.ratio([kind, p99], [FLOOR, p99])]
          : []),
        rounds.userMicros(kind, 1),
        rounds.userMicros(kind, 8),
        rounds.generatorBusy(kind),
      ]),
  };
}

function dashboardTable(dashboards: Rounds): Table {
  return {
    title: 'A dashboard: eight messages at once, of eight channels',
    columns: ['', 'CPU µs a delivery', '× ours', 'user µs', 'generator busy'],
    rows: dashboards.kinds.map((kind) => [
      kind.name,
      dashboards.median(kind, w8),
      dashboards.ratio([kind, w8], [METRICAST_DASHBOARD, w8]),
      dashboards.userMicros(kind, 8),
      dashboards.generatorBusy(kind),
    ]),
  };
}

function compressionTable(compressed: Rounds): Table {
  return {
    title: 'Compression negotiated, w1',
    columns: ['', 'CPU µs a delivery', '× without', 'user µs', 'generator busy'],
    rows: compressed.kinds.map((kind) => [
      kind.name,
      compressed.median(kind, w1),
      compressed.ratio([kind, w1], [METRICAST, w1]),
      compressed.userMicros(kind, 1),
      compressed.generatorBusy(kind),
    ]),
  };
}

function fewTable(few: Rounds): Table {
  return {
    title: `${few.plan.connections} connections, w8`,
    columns: ['', 'deliveries/s', '× `ws`', 'CPU µs a delivery', 'generator busy'],
    rows: few.kinds.map((kind) => [
      kind.name,
      Math.round(few.median(kind, perSecond)),
      few.ratio([kind, perSecond], [WS_FRAMES_TOGETHER, perSecond]),
      few.median(kind, w8),
      few.generatorBusy(kind),
    ]),
  };
}
