import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Bench, BenchContext } from '../harness/bench.js';
import { MeasuredProcess, ServerProcess } from '../harness/measured-process.js';
import { withProfile } from '../harness/profile.js';
import { type Commit, type Pacing, pacingOf, sinceCommit } from './commits.js';
import { Batches } from './load.js';
import { measureOnPostgres } from './on-postgres.js';
import { ingestReport } from './ingest-report.js';
import { type Round, measureRound } from './round.js';

const COMMIT_LOG = new URL('commit-log.mjs', import.meta.url);
const NO_ROLLUPS = new URL('no-rollups.mjs', import.meta.url);
const FLOOR = fileURLToPath(new URL('floor.ts', import.meta.url));

export interface FloorRound {
  readonly rowsPerSecond: number;
  readonly cpuPerRow: number;
}

export interface SqliteRound {
  readonly floor: FloorRound;
  readonly server: Round;
  /** The same server, which stores points alone. */
  readonly withoutRollups: Round;
  readonly pacing: Pacing;
  /** Milliseconds from commit to receipt. */
  readonly quietSinceCommit: readonly number[];
  readonly busySinceCommit: readonly number[];
}

/** Durable ingest over HTTP beside what SQLite itself can take, and how soon subscribers have what was committed. */
export const ingest: Bench = async (context) => {
  const { quick, dist, temporary, cores, say } = context;
  const [rounds, warmUp, seconds, floorSeconds] = quick ? [1, 1, 4, 1] : [5, 2, 8, 3];
  const path = join(temporary, 'ingest.db');
  const start = (file: string, preload: readonly URL[]) =>
    ServerProcess.start(fileURLToPath(new URL('main.js', dist)), {
      core: cores?.server,
      env: { DATABASE_URL: `sqlite:${file}` },
      preload,
    });
  const server = await start(path, [COMMIT_LOG]);
  const bare = await start(join(temporary, 'without-rollups.db'), [COMMIT_LOG, NO_ROLLUPS]);
  const floor = await startFloor(path, context);
  const measured: SqliteRound[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      const floorRound = await measureFloor(floor, floorSeconds);
      const load = () => measureRound(server, warmUp, seconds);
      const serverRound = round === rounds ? await withProfile(context, server, 'ingest', load) : await load();
      const commits = await server.ask<Commit[]>('commits');
      const withoutRollups = await measureRound(bare, warmUp, seconds);
      measured.push({
        floor: floorRound,
        server: serverRound,
        withoutRollups,
        pacing: pacingOf(commits, serverRound.from, serverRound.to),
        quietSinceCommit: sinceCommit(path, commits, serverRound.quiet),
        busySinceCommit: sinceCommit(path, commits, serverRound.busy),
      });
      say(
        `round ${round} of ${rounds}: ${Math.round(serverRound.pointsPerSecond)} points/s, ` +
          `without rollups ${Math.round(withoutRollups.pointsPerSecond)}, floor ${Math.round(floorRound.rowsPerSecond)}`,
      );
    }
  } finally {
    await Promise.all([server.stop(), bare.stop(), floor.stop()]);
  }
  const postgres = await measureOnPostgres(context, warmUp, seconds);
  return ingestReport(measured, postgres);
};

/** The floor writes into a table of its own that is the server's, index and all. */
async function startFloor(path: string, { dist, temporary, cores }: BenchContext): Promise<MeasuredProcess> {
  const floorPath = join(temporary, 'floor.db');
  const original = new Database(path, { readonly: true });
  const copy = new Database(floorPath);
  const statements = original
    .prepare(`SELECT sql FROM sqlite_master WHERE tbl_name = 'metricast_metric_point' AND sql IS NOT NULL`)
    .pluck()
    .all() as string[];
  for (const sql of statements) copy.exec(sql);
  original.close();
  copy.close();
  const args = [...process.execArgv, FLOOR, floorPath, String(new Batches().seriesCount), dist.href];
  const floor = new MeasuredProcess(args, { core: cores?.server });
  // Asked for nothing, it answers once it has started.
  await floor.ask('run', 0);
  return floor;
}

async function measureFloor(floor: MeasuredProcess, seconds: number): Promise<FloorRound> {
  const before = floor.cpuSeconds;
  const rows = await floor.ask<number>('run', seconds);
  return { rowsPerSecond: rows / seconds, cpuPerRow: ((floor.cpuSeconds - before) / rows) * 1e6 };
}
