import type { MeasuredProcess } from './measured-process.js';

/** What a stretch of time took. */
export interface Stretch {
  readonly seconds: number;
  /** Of the server, in seconds. */
  readonly cpu: number;
  /** Seconds that the server was ready to run while something else had its core; NaN where the kernel does not tell. */
  readonly waited: number;
  /** Share of its core that the load generator used, where that is this process. */
  readonly generatorBusy: number;
}

/** Beyond it, the load generator may have been what was measured. */
export const BUSY_GENERATOR = 0.95;

/** Starts a stretch of time, and returns what ends it. */
export function openWindow(server: Pick<MeasuredProcess, 'cpuSeconds' | 'waitedSeconds'>): () => Stretch {
  const before = {
    at: performance.now(),
    cpu: server.cpuSeconds,
    waited: server.waitedSeconds,
    generator: ownSeconds(),
  };
  return () => {
    const seconds = (performance.now() - before.at) / 1000;
    return {
      seconds,
      cpu: server.cpuSeconds - before.cpu,
      waited: server.waitedSeconds - before.waited,
      generatorBusy: (ownSeconds() - before.generator) / seconds,
    };
  };
}

/** A note for the report where the generator was too busy; none where it was not. */
export function busyNotes(shares: readonly number[]): string[] {
  const busiest = Math.max(...shares);
  return busiest > BUSY_GENERATOR ? [`The run does not count: the load generator was ${busiest.toFixed(2)} busy.`] : [];
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
