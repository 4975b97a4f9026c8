import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const DEBIAN_CLUSTERS = '/etc/postgresql';
const MISSING =
  'PostgreSQL is missing: install its server (Debian: apt-get install postgresql), ' +
  'or set METRICAST_TEST_POSTGRES_URL to a server on which the tests may create databases.';

/** The folder of PostgreSQL's programs; installs Debian's package where that is possible and nothing is there yet. */
export async function findOrInstallPostgres(): Promise<string> {
  const found = (await findPostgres()) ?? ((await canInstall()) ? await installPostgres() : undefined);
  if (!found) throw new Error(MISSING);
  return found;
}

/** The folder of PostgreSQL’s programs; undefined where there are none. */
export async function findPostgres(): Promise<string | undefined> {
  const versions = await namesIn(DEBIAN_VERSIONS);
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...newestFirst.map((version) => join(DEBIAN_VERSIONS, version, 'bin')),
  ];
  return folders.find((folder) => ['initdb', 'pg_ctl', 'postgres'].every((name) => existsSync(join(folder, name))));
}

/** A configured cluster without programs is somebody's: installing would start it, so that is left to its owner. */
async function canInstall(): Promise<boolean> {
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  return isDebianRoot && (await namesIn(DEBIAN_CLUSTERS)).length === 0;
}

async function installPostgres(): Promise<string | undefined> {
  process.stderr.write('PostgreSQL is missing: installing Debian’s package\n');
  // The package creates and starts a cluster on the standard port unless it is told not to.
  const settings = '/etc/postgresql-common/createcluster.d';
  const noCluster = join(settings, 'metricast-tests.conf');
  await mkdir(settings, { recursive: true });
  await writeFile(noCluster, 'create_main_cluster = false\n');
  try {
    await aptGet('update');
    await aptGet('install', '-y', '--no-install-recommends', 'postgresql');
  } catch (error) {
    throw new Error(`${MISSING} Installing it failed: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(noCluster);
  }
  return findPostgres();
}

async function aptGet(...args: string[]): Promise<void> {
  await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}
