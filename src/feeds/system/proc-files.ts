import { meanFrequency } from './processors.js';

/** Bytes that crossed the network interfaces since boot. */
export interface NetworkBytes {
  readonly sent: number;
  readonly received: number;
}

/** An interface and its counters: the first one received is bytes, and so is the first one sent, eight later. */
const INTERFACE = /^[ \t]*(\S+):[ \t]*(\d+)(?:[ \t]+\d+){7}[ \t]+(\d+)/gm;

/** Reads `/proc/net/dev`: all interfaces but the loopback together. `null` where the text names no interface at all. */
export function parseNetDev(text: string): NetworkBytes | null {
  const interfaces = [...text.matchAll(INTERFACE)];
  if (interfaces.length === 0) return null;
  const outer = interfaces.filter(([, name]) => name !== 'lo');
  return {
    received: outer.reduce((sum, [, , received]) => sum + Number(received), 0),
    sent: outer.reduce((sum, [, , , sent]) => sum + Number(sent), 0),
  };
}

/**
 * Reads `/proc/meminfo`: the bytes that programs could still have, caches given up. `null` where the kernel (before
 * 3.14) does not say.
 */
export function parseMemAvailable(text: string): number | null {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Reads `/proc/cpuinfo`: MHz, the mean of the processors. `null` where they do not say, as on ARM. */
export function parseCpuFrequency(text: string): number | null {
  return meanFrequency([...text.matchAll(/^cpu MHz\s*:\s*([\d.]+)$/gm)].map(([, megahertz]) => Number(megahertz)));
}
