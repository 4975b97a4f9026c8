import { median } from '../harness/statistics.js';
import { readyFrame } from '../peers/ready-frame.js';

const BLOCKS = 7;
const CALLS = 20_000;

/** What it costs to make the frame of a message, as JSON, in microseconds. */
export function encodingMicros(message: object): number {
  const blocks = Array.from({ length: BLOCKS }, () => {
    const { user: before } = process.cpuUsage();
    for (let call = 0; call < CALLS; call++) readyFrame(message);
    return (process.cpuUsage().user - before) / CALLS;
  });
  return median(blocks);
}
