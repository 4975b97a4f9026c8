import type { Reporter, TestModule, Vitest } from 'vitest/node';

interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

/**
 * Ends the output of a run with one line, `N passed, N failed`, and makes a skipped or todo test a failure on CI.
 * A file that doesn't load and an error outside of every test count as one failure each, and so does a run that fails
 * for none of these reasons: a server that doesn't start, say, or an interruption.
 */
export default class ClosingLineReporter implements Reporter {
  private readonly isCi = Boolean(process.env.CI);
  private isWatching = false;
  private outcome: Outcome = { passed: 0, failed: 0, skipped: [] };

  onInit(vitest: Vitest): void {
    this.isWatching = vitest.config.watch;
    // Coverage tables and the servers' teardown are still to come when a run has ended: print on the way out.
    if (!this.isWatching) process.once('exit', (exitCode) => this.print(exitCode));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.outcome = outcomeOf(modules, unhandledErrors);
    const { skipped } = this.outcome;
    if (this.isCi && skipped.length > 0) {
      process.stderr.write(`Skipped tests fail on CI:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
      this.outcome.failed += skipped.length;
      this.outcome.skipped = [];
      process.exitCode = 1;
    }
    if (this.isWatching) this.print(0);
  }

  private print(exitCode: number): void {
    const { passed, skipped } = this.outcome;
    const failed = exitCode === 0 ? this.outcome.failed : Math.max(this.outcome.failed, 1);
    const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
    process.stdout.write(`${passed} passed, ${failed} failed${skips}\n`);
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
