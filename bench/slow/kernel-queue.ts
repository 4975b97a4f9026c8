import { readFileSync } from 'node:fs';

const ESTABLISHED = '01';

/**
 * Bytes that the kernel holds for the connection of a server that is furthest behind: written by the server, and not
 * taken yet. What it does not take any more waits in the server. See proc_net_tcp in the kernel's documentation.
 */
export function longestKernelQueue(port: number): number {
  const ours = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const queues = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(ours) && state === ESTABLISHED)
    .map(([, , , , queue]) => Number.parseInt(queue!.split(':', 1)[0]!, 16));
  return Math.max(0, ...queues);
}
