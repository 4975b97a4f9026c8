import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { pythonPath } from '../../support/python.js';

const run = promisify(execFile);

/** The first to ask may have to install it. */
const PATIENCE = { timeout: 300_000 };

it('it is a Python 3 that has the package websockets', PATIENCE, async () => {
  const { stdout } = await run(await pythonPath(), ['-c', 'import sys, websockets; print(sys.version_info.major)']);

  expect(stdout.trim()).toBe('3');
});

it('everyone who asks gets the same one', PATIENCE, async () => {
  const [one, other] = await Promise.all([pythonPath(), pythonPath()]);

  expect(one).toBe(other);
});
