import { execFileSync, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { RunningServer } from './on-demand.js';
import { findOrInstallPostgres } from './postgres-binaries.js';

const externalUrl = process.env.METRICAST_TEST_POSTGRES_URL;

// The cluster is thrown away with the run, so it need not survive a power cut: fsync and full_page_writes are off.
// A test about durability across a crash of the machine cannot use it.
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'fsync=off',
  'full_page_writes=off',
];

// Runs one cluster until the other end of its standard input closes. That happens however the test run ends, SIGKILL
// included, so nothing outlives it. Parameters: folder of the programs, folder of the cluster, options of the server.
const KEEPER = `
  bin=$1 home=$2 options=$3
  "$bin/initdb" --pgdata="$home/data" --no-sync --username=metricast --pwfile="$home/password" \\
    --auth=scram-sha-256 --encoding=UTF8 --locale=C >"$home/log" 2>&1 &&
  "$bin/pg_ctl" --pgdata="$home/data" --log="$home/log" --options="$options" --wait start >/dev/null 2>&1 &&
  echo ready && cat >/dev/null ||
  cat "$home/log" >&2
  "$bin/pg_ctl" --pgdata="$home/data" --mode=fast --wait stop >/dev/null 2>&1
  rm -rf "$home"
`;

/** Makes sure that {@link startPostgres} has what it needs, which can take longer than a test may. */
export async function preparePostgres(): Promise<void> {
  if (!externalUrl) await findOrInstallPostgres();
}

/** Starts a new, empty PostgreSQL on a free port of 127.0.0.1, in a temporary folder that goes when it stops. */
export async function startPostgres(): Promise<RunningServer> {
  if (externalUrl) return { url: externalUrl, stop: async () => {} };

  const programs = await findOrInstallPostgres();
  const owner = unprivilegedOwner();
  const password = randomUUID();
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), 'metricast-postgres-'));
  await writeFile(join(home, 'password'), password, { mode: 0o600 });
  if (owner) for (const path of [home, join(home, 'password')]) await chown(path, owner.uid, owner.gid);

  const options = [`port=${port}`, ...SETTINGS].map((setting) => `-c ${setting}`).join(' ');
  // A process group of its own: Ctrl-C in the terminal reaches the tests, and the keeper sees them end.
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', programs, home, options], { ...owner, cwd: home, detached: true });
  const complaint = text(keeper.stderr);
  const gone = once(keeper, 'close');

  const isReady = await Promise.race([once(keeper.stdout, 'data').then(() => true), gone.then(() => false)]);
  if (!isReady) throw new Error(`PostgreSQL did not start:\n${await complaint}`);

  return {
    url: `postgresql://metricast:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      keeper.stdin.end();
      await gone;
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, user], { stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // no such user
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody.');
}

/** Below the ports that the system hands out, so that no connection of a test running meanwhile can take it. */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
