import { afterEach, expect, it, vi } from 'vitest';
import { HistoryPages, type HistoryReader, type Slice } from '../../../src/store/index.js';
import { NO_FILTER, parseHistoryCursor } from '../../../src/protocol/index.js';
import { ORDERS } from '../../support/publications.js';
import { newTenant } from '../../support/storage.js';

afterEach(() => vi.restoreAllMocks());

/** A page of a history in which nothing is found, however far it is read: each piece takes so long, and comes so far. */
async function openInVain(takes: number) {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const reading = { pieces: 0, isOver: false };
  async function* slices(): AsyncGenerator<Slice> {
    try {
      for (;;) {
        now += takes;
        reading.pieces++;
        yield { rows: [], reached: { timestamp: 1000 * reading.pieces, series: 0, row: 0 } };
      }
    } finally {
      reading.isOver = true;
    }
  }
  const reader = { open: async () => ({ resolution: '1s', slices: slices() }) } as unknown as HistoryReader;
  const query = { channel: ORDERS, start: 0, filter: NO_FILTER, limit: 5 };
  return { page: await new HistoryPages(reader).open(newTenant(), ORDERS, query, NO_FILTER), reading };
}

it('a page for which too much has to be looked through ends, and the next one goes on there', async () => {
  const { page, reading } = await openInVain(999);
  for await (const rows of page.rows()) expect(rows).toEqual([]);

  expect(reading).toEqual({ pieces: 6, isOver: true });
  expect(parseHistoryCursor(page.nextCursor!)).toMatchObject({ resolution: '1s', after: { timestamp: 6000 } });
});

it('who does not want the rest need not wait for it', async () => {
  const { page, reading } = await openInVain(0);
  const rows = page.rows();
  await rows.next();
  await rows.next();
  await rows.return(undefined);

  expect(reading).toEqual({ pieces: 2, isOver: true });
});
