import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from '../harness/measured-process.js';
import { BUSY_CHANNEL, QUIET_CHANNEL, Writers, steadyMillis } from './load.js';
import { type Delivery, Subscriber } from './subscriber.js';

const TRICKLE_MILLIS = 100;
const LAST_DELIVERY_DEADLINE_MILLIS = 5000;

export interface Round {
  /** When the window began and ended, on the steady clock. */
  readonly from: number;
  readonly to: number;
  readonly pointsPerSecond: number;
  /** Of the server, in microseconds. */
  readonly cpuPerPoint: number;
  /** Share of its core that the load generator used. */
  readonly generatorBusy: number;
  readonly refused: number;
  readonly isSubscriberCut: boolean;
  /** Points of the quiet channel that never came. */
  readonly lost: number;
  readonly quiet: readonly Delivery[];
  readonly busy: readonly Delivery[];
}

/** Lets the writers write for a while, with a subscriber on their channel and one on a quiet channel beside it. */
export async function measureRound(server: ServerProcess, warmUp: number, seconds: number): Promise<Round> {
  const writers = new Writers(server.port);
  // A channel comes into being with its first point.
  for (const channel of [BUSY_CHANNEL, QUIET_CHANNEL]) await writers.postOne(channel);
  const busy = await Subscriber.open(server.port, BUSY_CHANNEL);
  const quiet = await Subscriber.open(server.port, QUIET_CHANNEL);

  writers.start();
  const trickled: Promise<void>[] = [];
  const trickle = setInterval(() => trickled.push(writers.postOne(QUIET_CHANNEL)), TRICKLE_MILLIS);
  await sleep(warmUp * 1000);
  const before = snapshot(server, writers);
  await sleep(seconds * 1000);
  const after = snapshot(server, writers);
  clearInterval(trickle);
  await writers.stop();
  await Promise.all(trickled);
  const deadline = Date.now() + LAST_DELIVERY_DEADLINE_MILLIS;
  while (quiet.received < trickled.length && Date.now() < deadline && !quiet.isCut) await sleep(10);

  const points = after.acknowledged - before.acknowledged;
  const elapsed = (after.at - before.at) / 1000;
  const inWindow = ({ sentAt }: Delivery) => sentAt >= before.at && sentAt < after.at;
  const round: Round = {
    from: before.at,
    to: after.at,
    pointsPerSecond: points / elapsed,
    cpuPerPoint: ((after.server - before.server) / points) * 1e6,
    generatorBusy: (after.generator - before.generator) / elapsed,
    refused: writers.refused,
    isSubscriberCut: busy.isCut || quiet.isCut,
    lost: trickled.length - quiet.received,
    quiet: quiet.deliveries.filter(inWindow),
    busy: busy.deliveries.filter(inWindow),
  };
  await Promise.all([busy.end(), quiet.end()]);
  writers.end();
  return round;
}

function snapshot(server: ServerProcess, writers: Writers) {
  const { user, system } = process.cpuUsage();
  return {
    at: steadyMillis(),
    acknowledged: writers.acknowledged,
    server: server.cpuSeconds,
    generator: (user + system) / 1e6,
  };
}
