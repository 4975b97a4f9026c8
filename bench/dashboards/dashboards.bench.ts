import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../harness/bench.js';
import { type EventLoopDelay, watchEventLoop } from '../harness/event-loop-delay.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { startMetricast } from '../harness/metricast-server.js';
import { withProfile } from '../harness/profile.js';
import { JWT_SECRET_KEY, signToken } from '../harness/token.js';
import { type Stretch, openWindow } from '../harness/window.js';
import { dashboardsReport } from './dashboards-report.js';
import { PANELS, pagesOf } from './pages.js';
import { Recordings } from './records.js';
import { type Received, Viewers } from './viewers.js';

/** Milliseconds between two looks at the event loop. */
const LOOK_MILLIS = 10;
const WARM_UP_SECONDS = 6;

export interface DashboardsRound extends Stretch {
  readonly isRecording: boolean;
  readonly delay: EventLoopDelay;
  /** What came in this round, by kind. */
  readonly received: ReadonlyMap<string, Received>;
}

/** What many tenants' dashboards cost, each with channels, dialects, encodings and filters of its own. */
export const dashboards: Bench = async (context) => {
  const [tenantCount, rounds, seconds] = context.quick ? [50, 1, 10] : [50, 3, 25];
  const tenants = Array.from({ length: tenantCount }, (_, index) => `tenant-${index}`);
  const server = await startMetricast(context, { JWT_SECRET_KEY });
  try {
    const recordings = tenants.map((tenant) => new Recordings(server, tenant));
    for (const recording of recordings) await recording.history();
    context.say(`recorded the history of ${tenants.length} tenants`);
    const pages = tenants.flatMap((tenant) => pagesOf().map((page) => ({ page, token: signToken('viewer', tenant) })));
    const viewers = await Viewers.open(
      server.port,
      pages.flatMap(({ page, token }) => page.map((feed) => ({ feed, token }))),
    );
    context.say(`opened ${pages.length} dashboards`);

    const measured: DashboardsRound[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (const isRecording of [false, true]) {
        const stop = isRecording ? keepRecording(recordings) : () => Promise.resolve();
        await sleep(WARM_UP_SECONDS * 1000);
        const load = () => measureRound(server, viewers, seconds, isRecording);
        const isProfiled = round === rounds && isRecording;
        measured.push(await (isProfiled ? withProfile(context, server, 'dashboards', load) : load()));
        await stop();
        const { cpu, seconds: elapsed, delay } = measured.at(-1)!;
        context.say(
          `round ${round} of ${rounds}${isRecording ? ', while recording' : ''}: ` +
            `${((100 * cpu) / elapsed).toFixed(1)} % of a core, event loop ${delay.p99.toFixed(1)} ms late at p99`,
        );
      }
    }
    const { fault } = viewers;
    await viewers.end();
    return dashboardsReport(measured, { tenants: tenantCount, pages: pages.length, panels: PANELS, seconds, fault });
  } finally {
    await server.stop();
  }
};

async function measureRound(
  server: ServerProcess,
  viewers: Viewers,
  seconds: number,
  isRecording: boolean,
): Promise<DashboardsRound> {
  const stopWatching = await watchEventLoop(server, LOOK_MILLIS);
  const before = viewers.received;
  const close = openWindow(server);
  await sleep(seconds * 1000);
  const stretch = close();
  const received = new Map(
    [...viewers.received].map(([kind, { connections, frames, bytes }]) => {
      const earlier = before.get(kind)!;
      return [kind, { connections, frames: frames - earlier.frames, bytes: bytes - earlier.bytes }];
    }),
  );
  return { ...stretch, isRecording, delay: await stopWatching(), received };
}

/** Lets each tenant record once a second, one after the other. Returns what ends it, when all that was sent is answered. */
function keepRecording(recordings: readonly Recordings[]): () => Promise<void> {
  let next = 0;
  const sent: Promise<void>[] = [];
  const timer = setInterval(
    () => sent.push(recordings[next++ % recordings.length]!.second()),
    1000 / recordings.length,
  );
  return async () => {
    clearInterval(timer);
    await Promise.all(sent);
  };
}
