import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Cores } from './cores.js';

const MODULES = new URL('../../node_modules/', import.meta.url);
const MEASURED = ['better-sqlite3', 'ws', '@nestjs/core', '@nestjs/platform-express', 'typeorm', 'pg'] as const;

/** What the figures were measured on and with. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly node: string;
  /** Of the last minute: what else was going on. */
  readonly loadBefore: string;
  readonly pinned: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function readMachine(cores: Cores | undefined): Machine {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    loadBefore: loadavg()[0]!.toFixed(2),
    node: process.version,
    pinned: cores ? `server on core ${cores.server}, load generator on core ${cores.generator}` : 'not pinned',
    versions: Object.fromEntries(MEASURED.map((name) => [name, versionOf(name)])),
  };
}

/** With a `+` where the tree holds more than the commit. */
function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
    const isClean = git('status', '--porcelain', '--', ':/src', ':/package-lock.json') === '';
    return git('rev-parse', '--short', 'HEAD') + (isClean ? '' : '+');
  } catch {
    return 'unknown';
  }
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES), 'utf8')) as { version: string }).version;
}
