import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackage } from './debian-package.js';
import { findOrInstall, foldersOfPath } from './program.js';

const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const DEBIAN_CLUSTERS = '/etc/postgresql';
const MISSING =
  'PostgreSQL is missing: install its server (Debian: apt-get install postgresql), ' +
  'or set METRICAST_TEST_POSTGRES_URL to a server on which the tests may create databases.';

/** The folder of PostgreSQL's programs; installs Debian's package where that is possible and nothing is there yet. */
export async function findOrInstallPostgres(): Promise<string> {
  // A configured cluster without programs is somebody's: installing would start it, so that is left to its owner.
  const hasCluster = (await namesIn(DEBIAN_CLUSTERS)).length > 0;
  return findOrInstall({ missing: MISSING, find: findPostgres, install: hasCluster ? undefined : installPostgres });
}

/** The folder of PostgreSQL’s programs; undefined where there are none. */
export async function findPostgres(): Promise<string | undefined> {
  const versions = await namesIn(DEBIAN_VERSIONS);
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const folders = [...foldersOfPath(), ...newestFirst.map((version) => join(DEBIAN_VERSIONS, version, 'bin'))];
  return folders.find((folder) => ['initdb', 'pg_ctl', 'postgres'].every((name) => existsSync(join(folder, name))));
}

async function installPostgres(): Promise<void> {
  // The package creates and starts a cluster on the standard port unless it is told not to.
  const settings = '/etc/postgresql-common/createcluster.d';
  const noCluster = join(settings, 'metricast-tests.conf');
  await mkdir(settings, { recursive: true });
  await writeFile(noCluster, 'create_main_cluster = false\n');
  try {
    await installPackage('postgresql');
  } finally {
    await rm(noCluster);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}
