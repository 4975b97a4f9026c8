import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const config = fileURLToPath(new URL('../../support/fixtures/outcomes/vitest.config.ts', import.meta.url));

/** Runs one of the fixtures as a run of its own. */
function run(fixture: string, { ci }: { ci: boolean }): { lastLine: string | undefined; exitCode: number | null } {
  const { PATH, HOME } = process.env;
  const { stdout, status } = spawnSync(process.execPath, [vitest, 'run', '--config', config, fixture], {
    env: { PATH, HOME, ...(ci && { CI: 'true' }) },
    encoding: 'utf8',
  });
  return { lastLine: stdout.trimEnd().split('\n').at(-1), exitCode: status };
}

it.each([
  ['passing', '2 passed, 0 failed', 0],
  ['failing', '1 passed, 1 failed', 1],
  ['broken', '0 passed, 1 failed', 1],
  ['unhandled', '1 passed, 1 failed', 1],
])('the last line counts the tests of the %s fixture', (fixture, lastLine, exitCode) => {
  expect(run(fixture, { ci: true })).toEqual({ lastLine, exitCode });
});

it('a run that finds no test has failed', () => {
  expect(run('missing', { ci: true })).toEqual({ lastLine: '0 passed, 1 failed', exitCode: 1 });
});

it('a skipped or todo test fails on CI', () => {
  expect(run('skipping', { ci: true })).toEqual({ lastLine: '1 passed, 3 failed', exitCode: 1 });
});

it('a skipped or todo test is only counted elsewhere', () => {
  expect(run('skipping', { ci: false })).toEqual({ lastLine: '1 passed, 0 failed, 3 skipped', exitCode: 0 });
});
