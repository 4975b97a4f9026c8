import { type Visit, micros } from './visit.js';

/** CPU time of a delivery, in microseconds, of messages one by one. */
export function w1({ waves }: Visit): number {
  return micros(waves[1]!);
}

/** The same of eight at once. */
export function w8({ waves }: Visit): number {
  return micros(waves[8]!);
}

/** Deliveries a second, eight at once. */
export function perSecond({ waves }: Visit): number {
  return waves[8]!.deliveries / waves[8]!.seconds;
}

/** Milliseconds from publishing to receipt, at a pace. */
export function p50({ paced }: Visit): number {
  return paced!.p50;
}

/** The same, of all but one in a hundred. */
export function p99({ paced }: Visit): number {
  return paced!.p99;
}
