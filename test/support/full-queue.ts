import type { WriteQueue } from '../../src/store/index.js';

/** Keeps the queue full: each write that is done comes again at once. Returns what ends it. */
export function keepFull(queue: WriteQueue): () => Promise<void> {
  let isHeld = true;
  const writers: Promise<void>[] = [];
  const write = async (rows: number) => {
    do {
      await queue.write(rows, function* () {
        yield { sql: 'SELECT 1', values: [] };
      });
    } while (isHeld);
  };
  const fits = (rows: number) => {
    const before = queue.queuedRows;
    // The one that does not fit is refused, and that is how it is noticed.
    writers.push(write(rows).catch(() => undefined));
    return queue.queuedRows > before;
  };
  for (const rows of [10_000, 1000, 100, 10, 1]) while (fits(rows));
  return async () => {
    isHeld = false;
    await Promise.all(writers);
  };
}
