import type { Bench, BenchContext } from '../harness/bench.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { record, startMetricast } from '../harness/metricast-server.js';
import { withProfile } from '../harness/profile.js';
import { median } from '../harness/statistics.js';
import { JWT_SECRET_KEY, signToken } from '../harness/token.js';
import { busyNotes, openWindow } from '../harness/window.js';
import { CHANNEL, Crowd, type Received, TENANT } from './crowd.js';

/** As many as the server keeps of a channel. */
const MISSED = 300;
const CLIENTS = 1000;
const MIB = 1024 * 1024;

interface Return extends Received {
  readonly missed: number;
  /** Of the server, in seconds. */
  readonly cpu: number;
  /** That the server ran meanwhile, whatever for. */
  readonly queries: number;
  readonly generatorBusy: number;
}

/** What it takes until all are live again whom a break has sent away. */
export const resume: Bench = async (context) => {
  const rounds = context.quick ? 2 : 7;
  const preload = [new URL('query-count.mjs', import.meta.url)];
  const server = await startMetricast(context, { JWT_SECRET_KEY }, preload);
  const returns: Return[] = [];
  try {
    await publish(server, 1);
    const crowd = new Crowd(server.port, CLIENTS);
    // What the first ones load and compile is not counted.
    await measure(server, crowd, MISSED);
    for (let round = 1; round <= rounds; round++) {
      for (const missed of [0, MISSED]) {
        const isProfiled = round === rounds && missed > 0;
        const one = await measure(server, crowd, missed, isProfiled ? context : undefined);
        returns.push(one);
        context.say(
          `round ${round} of ${rounds}, ${missed} missed: ${one.millis.toFixed(0)} ms, ${one.queries} queries, ` +
            `${(one.cpu * 1000).toFixed(0)} ms CPU`,
        );
      }
    }
  } finally {
    await server.stop();
  }
  const of = (missed: number, pick: (one: Return) => number) =>
    median(returns.filter((one) => one.missed === missed).map(pick));
  const row = (what: string, pick: (one: Return) => number) => [what, of(0, pick), of(MISSED, pick)];
  const isComplete = returns.every(
    ({ missed, recovered, replayed }) => recovered === CLIENTS && replayed === missed * CLIENTS,
  );
  const [seconds, perClient] = [({ millis }: Return) => millis / 1000, ({ queries }: Return) => queries / CLIENTS];
  return {
    name: 'resume',
    title: 'Coming back all at once',
    method:
      `${CLIENTS.toLocaleString('en-US')} clients of one channel, each with a token of its own, whose connections have ended. ` +
      `${MISSED} values are recorded; then all connect at once, and each asks for what it missed, with \`recover\`. Measured until the ` +
      'last one has been sent all of it and its acknowledgement, handshakes included; beside it the same with nothing missed. ' +
      `Queries are all that the server ran on its database meanwhile. ${rounds} rounds in turn, medians.`,
    tables: [
      {
        title: 'Until the last one is live again, by publications missed',
        columns: ['', '0', `${MISSED}`],
        rows: [
          row('seconds', seconds),
          row('CPU of the server, µs a client', ({ cpu }) => (cpu / CLIENTS) * 1e6),
          row('queries a client', perClient),
          row('MiB sent', ({ bytes }) => bytes / MIB),
          row('generator busy', ({ generatorBusy }) => generatorBusy),
        ],
      },
    ],
    targets: [
      { what: `seconds, ${MISSED} missed`, measured: of(MISSED, seconds), atMost: 5 },
      { what: `queries a client, ${MISSED} missed`, measured: of(MISSED, perClient), atMost: 0.05 },
    ],
    notes: [
      'PostgreSQL was not measured.',
      ...(isComplete ? [] : ['The run does not count: not everything came.']),
      ...busyNotes(returns.map(({ generatorBusy }) => generatorBusy)),
    ],
    rounds: returns,
  };
};

async function measure(server: ServerProcess, crowd: Crowd, missed: number, profiled?: BenchContext): Promise<Return> {
  const position = await crowd.position();
  if (missed > 0) await publish(server, missed);
  const queriesBefore = await server.ask<number>('queries');
  const close = openWindow(server);
  const back = () => crowd.comeBack(position);
  const received = await (profiled ? withProfile(profiled, server, 'resume', back) : back());
  const { cpu, generatorBusy } = close();
  const queries = (await server.ask<number>('queries')) - queriesBefore;
  await crowd.leave();
  return { ...received, missed, cpu, queries, generatorBusy };
}

/** Values of ten series in turn. */
async function publish(server: ServerProcess, count: number): Promise<void> {
  const points = Array.from({ length: count }, (_, value) => ({
    channel: CHANNEL,
    name: 'orders.placed',
    type: 'gauge',
    value,
    tags: { shop: `shop-${value % 10}` },
  }));
  await record(server, 'metrics', points, signToken('recorder', TENANT, ['ingest']));
}
