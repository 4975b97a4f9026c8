import { Inject, Injectable } from '@nestjs/common';
import { MACHINE, type Machine, type Usage } from './machine.js';
import { type SystemState, systemState } from './system-state.js';

/** Milliseconds for which a reading serves everyone. Processor shares over less than that would be noise. */
const SHARED_FOR = 200;

/** Reads the machine, once for all tenants that tick at about the same time. */
@Injectable()
export class SystemReader {
  /** What the next processor shares count from: the reading before, and at first the making of this reader. */
  #earlier: Usage;
  #startedAt = Number.NEGATIVE_INFINITY;
  #isUnderWay = false;
  #reading: Promise<SystemState> | undefined;

  constructor(@Inject(MACHINE) private readonly machine: Machine) {
    this.#earlier = machine.usage();
  }

  read(): Promise<SystemState> {
    const now = this.machine.now();
    // One under way is shared however old it is, so that a file system that hangs holds one thread and not all.
    const isFresh = this.#isUnderWay || now - this.#startedAt < SHARED_FOR;
    if (this.#reading && isFresh) return this.#reading;
    this.#startedAt = now;
    return (this.#reading = this.#take());
  }

  async #take(): Promise<SystemState> {
    this.#isUnderWay = true;
    try {
      const figures = await this.machine.read();
      const state = systemState(figures, this.#earlier);
      this.#earlier = figures.usage;
      return state;
    } finally {
      this.#isUnderWay = false;
    }
  }
}
