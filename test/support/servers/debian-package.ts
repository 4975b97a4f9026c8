import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const attempts = new Map<string, Promise<void>>();

/** Only root may install, and only Debian has its packages. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/** Installs a package of Debian's, without those that it only recommends. What failed is not tried again in this run. */
export function installPackage(name: string): Promise<void> {
  const attempt = attempts.get(name) ?? install(name);
  attempts.set(name, attempt);
  return attempt;
}

async function install(name: string): Promise<void> {
  process.stderr.write(`Installing Debian’s package ${name}\n`);
  await aptGet('update');
  await aptGet('install', '-y', '--no-install-recommends', name);
}

/** One at a time, over all test runs of the machine: apt waits for the lock of dpkg, and gives up at its others. */
async function aptGet(...args: string[]): Promise<void> {
  await run('flock', ['--close', '/etc/apt', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
}
