import { expect, it } from 'vitest';
import { findOrInstall } from '../../support/servers/program.js';

const MISSING = 'Frobnicator is missing: install frobnicator.';

it('a program that is there is not installed', async () => {
  const find = async () => '/usr/bin/frobnicator';

  expect(await findOrInstall({ missing: MISSING, find, install: () => Promise.reject(new Error('installed')) })).toBe(
    '/usr/bin/frobnicator',
  );
});

it('one that is missing and may not be installed is asked for', async () => {
  const find = async () => undefined;

  await expect(findOrInstall({ missing: MISSING, find, install: undefined })).rejects.toThrow(MISSING);
});
