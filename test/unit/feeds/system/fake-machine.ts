import type { Figures, Machine, Usage } from '../../../../src/feeds/system/machine.js';

/** A machine of two processors whose clock and processor time the test moves. */
export class FakeMachine implements Machine {
  readings = 0;
  figures: Omit<Figures, 'usage'> = {
    cpuCount: 2,
    cpuFrequency: 2400,
    memory: { total: 16_000, available: 12_000 },
    disk: { total: 1000, free: 500, available: 300 },
    network: { sent: 10, received: 20 },
    process: { memoryRss: 100, heapUsed: 50, uptimeSeconds: 12.3456, eventLoopLag: 0.1234 },
  };
  /** Makes the next readings wait for it, or fail with it. */
  gate: Promise<void> = Promise.resolve();
  #usage: Usage = { at: 5000, busy: 70_000, total: 90_000, process: 3000 };

  now(): number {
    return this.#usage.at;
  }

  usage(): Usage {
    return this.#usage;
  }

  async read(): Promise<Figures> {
    this.readings++;
    const usage = this.#usage;
    await this.gate;
    return { ...this.figures, usage };
  }

  /** Lets time pass, in which all processors together were busy for `busy`, this process for `own` of it. */
  pass(elapsed: number, { busy = 0, own = 0 } = {}): void {
    const { at, busy: busyBefore, total, process } = this.#usage;
    this.#usage = { at: at + elapsed, busy: busyBefore + busy, total: total + 2 * elapsed, process: process + own };
  }
}
