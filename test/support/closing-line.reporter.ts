import type { Reporter, TestModule, Vitest } from 'vitest/node';

interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

/**
 * Ends the output of a run with one line, `N passed, N failed`, and makes a skipped or todo test a failure on CI.
 * A file that doesn't load and an error outside of every test count as one failure each.
 */
export default class ClosingLineReporter implements Reporter {
  private readonly isCi = Boolean(process.env.CI);
  private isWatching = false;
  private line = '0 passed, 1 failed';

  onInit(vitest: Vitest): void {
    this.isWatching = vitest.config.watch;
    // Coverage tables and the servers' teardown are still to come when a run has ended: print on the way out.
    if (!this.isWatching) process.once('exit', () => this.print());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const { passed, failed, skipped } = outcomeOf(modules, unhandledErrors);
    if (this.isCi && skipped.length > 0) {
      process.exitCode = 1;
      process.stderr.write(`Skipped tests fail on CI:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
      this.line = `${passed} passed, ${failed + skipped.length} failed`;
    } else {
      this.line = `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
    }
    if (this.isWatching) this.print();
  }

  private print(): void {
    process.stdout.write(`${this.line}\n`);
  }
}

function outcomeOf(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Outcome {
  const outcome: Outcome = { passed: 0, failed: unhandledErrors.length, skipped: [] };
  for (const module of modules) {
    // Errors of a file or a `describe` itself: a failed import, a failed `beforeAll`.
    if (module.errors().length > 0) outcome.failed += 1;
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) outcome.failed += 1;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') outcome.passed += 1;
      else if (state === 'skipped') outcome.skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
      else outcome.failed += 1;
    }
  }
  return outcome;
}
