import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findPostgres } from '../../test/support/servers/postgres-binaries.js';
import { startPostgres } from '../../test/support/servers/postgres.js';
import type { BenchContext } from '../harness/bench.js';
import { ServerProcess } from '../harness/measured-process.js';
import { type Round, measureRound } from './round.js';

/** One round on PostgreSQL, with the server that the tests use; undefined where there is none. */
export async function measureOnPostgres(
  { dist, cores, say }: BenchContext,
  warmUp: number,
  seconds: number,
): Promise<Round | undefined> {
  if (!process.env['METRICAST_TEST_POSTGRES_URL'] && !(await findPostgres())) return undefined;
  const postgres = await startPostgres();
  // A server of somebody's keeps nothing of this.
  const url = new URL(postgres.url);
  url.pathname = `metricast_bench_${randomUUID().replaceAll('-', '')}`;
  try {
    await execute(postgres.url, `CREATE DATABASE ${url.pathname.slice(1)}`);
    const server = await ServerProcess.start(fileURLToPath(new URL('main.js', dist)), {
      core: cores?.server,
      env: { DATABASE_URL: url.href },
    });
    try {
      const round = await measureRound(server, warmUp, seconds);
      say(`PostgreSQL: ${Math.round(round.pointsPerSecond)} points/s`);
      return round;
    } finally {
      await server.stop();
      await execute(postgres.url, `DROP DATABASE ${url.pathname.slice(1)} WITH (FORCE)`);
    }
  } finally {
    await postgres.stop();
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
