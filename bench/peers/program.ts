import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where Debian puts servers, which is not in every user's path. */
const SERVERS = ['/usr/sbin', '/usr/local/sbin'];

/** The path of an installed program; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(':'), ...SERVERS]
    .map((folder) => join(folder, name))
    .find((path) => isExecutable(path));
}

/** What stands for a version in what a program says when it is asked for it. */
export function versionOf(program: string, ...args: readonly string[]): string {
  try {
    // Some tell it on standard error, and some end with a failure.
    const said = execFileSync('sh', ['-c', '"$0" "$@" 2>&1 || true', program, ...args], { encoding: 'utf8' });
    return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? '';
  } catch {
    return '';
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
