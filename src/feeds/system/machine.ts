import type { NetworkBytes } from './proc-files.js';

/** How much processor time was used up to an instant, in milliseconds. Two of them make a percentage. */
export interface Usage {
  /** When it was taken, by {@link Machine.now}. */
  readonly at: number;
  /** Busy time of all processors together. */
  readonly busy: number;
  /** Busy and idle time of all processors together; 0 where the machine does not say. */
  readonly total: number;
  /** What this process used of it. */
  readonly process: number;
}

/** Figures of the machine and of this process at one instant. Sizes are bytes; `null` is what cannot be known. */
export interface Figures {
  readonly usage: Usage;
  readonly cpuCount: number | null;
  /** MHz. */
  readonly cpuFrequency: number | null;
  readonly memory: { readonly total: number; readonly available: number };
  /** `available` is what is free to an ordinary user: less than `free` by what is kept for root. */
  readonly disk: { readonly total: number; readonly free: number; readonly available: number } | null;
  readonly network: NetworkBytes | null;
  readonly process: {
    readonly memoryRss: number;
    readonly heapUsed: number;
    readonly uptimeSeconds: number;
    /** Milliseconds, the 99th percentile since the figures were read before. */
    readonly eventLoopLag: number | null;
  };
}

/** Where the figures come from. */
export interface Machine {
  /** A steady clock in milliseconds, of any origin. */
  now(): number;
  usage(): Usage;
  /** Reads everything. What cannot be read is `null`; it does not reject. Calls must not overlap. */
  read(): Promise<Figures>;
}

export const MACHINE = Symbol('metricast.machine');
