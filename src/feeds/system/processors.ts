import type { CpuInfo } from 'node:os';

/** The time of all processors together, in milliseconds. What waited for a disk or a hypervisor is in neither part. */
export function processorTime(cpus: readonly Pick<CpuInfo, 'times'>[]): { busy: number; total: number } {
  let [busy, total] = [0, 0];
  for (const { times } of cpus) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used;
    total += used + times.idle;
  }
  return { busy, total };
}

/** The mean in MHz of the frequencies that are known; an unknown one is 0, as `os.cpus()` has it. */
export function meanFrequency(frequencies: readonly number[]): number | null {
  const known = frequencies.filter((frequency) => frequency > 0);
  return known.length === 0 ? null : known.reduce((sum, frequency) => sum + frequency, 0) / known.length;
}
