import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const CLEAR = '/proc/self/clear_refs';
/** Makes the kernel forget how much memory this process has had at most (proc(5)). */
const RESET_PEAK = '5';

/** Whether the kernel tells what a piece of work takes, and not only what this process has ever taken. */
export const KNOWS_PEAKS = existsSync(CLEAR);

/** By how many MiB this process grows at most while the work is done, whatever it gives back before that ends. */
export async function peakGrowth(work: () => Promise<unknown>): Promise<number> {
  writeFileSync(CLEAR, RESET_PEAK);
  const before = peak();
  await work();
  return peak() - before;
}

function peak(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}
