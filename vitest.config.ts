import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The examples import the package as its users do.
  resolve: { alias: { 'nestjs-metricast': fileURLToPath(new URL('./src/index.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.spec.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.reporter.ts'],
    pool: 'forks',
    // Most of a test is waiting: for servers to start, for ticks. By default one core would stay idle.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // A test that was left focused hides all the others; on CI, a skipped one fails as well (closing-line.reporter.ts).
    allowOnly: !process.env.CI,
  },
});
