import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackage } from './debian-package.js';
import { findOrInstall, foldersOfPath } from './program.js';

const run = promisify(execFile);
/** The one that has Debian's packages; another Python may stand before it on the path. */
const DEBIAN_PYTHON = '/usr/bin/python3';

/** The path of a Python that has the package `websockets`; installs Debian's where that is possible and none is there yet. */
export function findOrInstallPython(): Promise<string> {
  return findOrInstall({
    missing:
      'Python’s package websockets is missing: install it for the `python3` on the path ' +
      '(pip install websockets; Debian: apt-get install python3-websockets).',
    find: findPython,
    install: () => installPackage('python3-websockets'),
  });
}

async function findPython(): Promise<string | undefined> {
  const candidates = [...foldersOfPath().map((folder) => join(folder, 'python3')), DEBIAN_PYTHON];
  for (const python of new Set(candidates)) {
    if (existsSync(python) && (await hasWebsockets(python))) return python;
  }
  return undefined;
}

async function hasWebsockets(python: string): Promise<boolean> {
  return run(python, ['-c', 'import websockets']).then(
    () => true,
    () => false,
  );
}
