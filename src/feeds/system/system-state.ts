import type { Figures, Usage } from './machine.js';

/**
 * The state of `system.metrics`. Percentages are 0 to 100, sizes bytes, and what is unknown is `null`. A type and not
 * an interface, so that it is a `CollectedState`.
 */
export type SystemState = {
  /** `frequency` in MHz. */
  readonly cpu: { readonly percent: number | null; readonly count: number | null; readonly frequency: number | null };
  readonly memory: Space;
  /** The file system that holds the working directory. */
  readonly disk: Space;
  /** Since boot, all interfaces but the loopback together. */
  readonly network: { readonly bytes_sent: number | null; readonly bytes_recv: number | null };
  readonly process: {
    /** Of all processors together, as `cpu.percent` is. */
    readonly cpu_percent: number | null;
    readonly memory_rss: number;
    readonly heap_used: number;
    readonly uptime_seconds: number;
    /** The 99th percentile since the reading before. */
    readonly event_loop_lag_ms: number | null;
  };
};

type Space = { readonly total: number | null; readonly used: number | null; readonly percent: number | null };

/** The state that the figures say; its processor shares are over the time since `earlier`. */
export function systemState({ usage, memory, disk, network, ...figures }: Figures, earlier: Usage): SystemState {
  const memoryUsed = memory.total - memory.available;
  const processorTime = (usage.at - earlier.at) * (figures.cpuCount ?? 0);
  return {
    cpu: {
      percent: percentOf(usage.busy - earlier.busy, usage.total - earlier.total),
      count: figures.cpuCount,
      frequency: rounded(figures.cpuFrequency),
    },
    memory: { total: memory.total, used: memoryUsed, percent: percentOf(memoryUsed, memory.total) },
    disk: disk ? diskSpace(disk) : { total: null, used: null, percent: null },
    network: { bytes_sent: network?.sent ?? null, bytes_recv: network?.received ?? null },
    process: {
      cpu_percent: percentOf(usage.process - earlier.process, processorTime),
      memory_rss: figures.process.memoryRss,
      heap_used: figures.process.heapUsed,
      uptime_seconds: rounded(figures.process.uptimeSeconds),
      event_loop_lag_ms: rounded(figures.process.eventLoopLag),
    },
  };
}

/** The percentage is that of `df`: it reaches 100 when an ordinary user can write no more. */
function diskSpace({ total, free, available }: NonNullable<Figures['disk']>): Space {
  const used = total - free;
  return { total, used, percent: percentOf(used, used + available) };
}

/** `null` where there is no whole: no time has passed, or a processor was taken away and the sum went back. */
export function percentOf(part: number, whole: number): number | null {
  return whole > 0 ? rounded(Math.min(100, Math.max(0, (100 * part) / whole))) : null;
}

/** To 2 decimals. */
function rounded<T extends number | null>(value: T): T {
  return (value === null ? null : Math.round(value * 100) / 100) as T;
}
