import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetricastError } from '../../../src/protocol/index.js';
import { pageOf, readPageRequest } from '../../../src/rest/index.js';

const isNumber = (value: unknown): value is number => typeof value === 'number';
const asked = (query: string) => readPageRequest({ url: `/list?${query}` }, isNumber);
const refusal = (query: string): MetricastError => {
  try {
    asked(query);
  } catch (error) {
    return error as MetricastError;
  }
  throw new Error('not refused');
};

describe('a page', () => {
  it('is of a hundred items from the first on, where nothing else is said', () => {
    expect(asked('')).toEqual({ limit: 100 });
    expect(readPageRequest({ url: '/list' }, isNumber)).toEqual({ limit: 100 });
    expect(readPageRequest({}, isNumber)).toEqual({ limit: 100 });
  });

  it('is of 1 to 1000 items', () => {
    expect([asked('limit=1'), asked('limit=1000')]).toEqual([{ limit: 1 }, { limit: 1000 }]);
  });

  it.each(['0', '1001', '-1', '+1', '1.0', '0x10', ' 5', '', 'NaN', '99999999999999999999', '5&limit=5'])(
    'is not of %j items',
    (limit) => {
      expect(refusal(`limit=${limit}`)).toMatchObject({
        code: 'bad_request',
        details: { errors: [{ field: 'limit', message: 'must be a whole number from 1 to 1000' }] },
      });
    },
  );

  it('goes on only after a key of its own list, whatever a cursor is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(base64url)), (cursor) => {
        const query = new URLSearchParams({ cursor }).toString();
        try {
          expect(asked(query).after).toEqual(expect.any(Number));
        } catch (error) {
          expect(error).toMatchObject({
            code: 'bad_request',
            message: 'Invalid request',
            details: { errors: [{ field: 'cursor' }] },
          });
        }
      }),
    );
  });

  it('names the next one, and all of them together are the list', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), fc.integer({ min: 1, max: 10 }), (list, limit) => {
        const seen: string[] = [];
        let query = `limit=${limit}`;
        for (let pages = 0; query; pages++) {
          const { after, ...request } = asked(query);
          const start = after === undefined ? 0 : list.indexOf(after) + 1;
          const rows = list.slice(start, start + request.limit + 1);
          const { items, next_cursor } = pageOf(rows, request.limit, String, (row) => row);
          expect(items.length === request.limit || next_cursor === null).toBe(true);
          if (pages > 0) expect(items).not.toEqual([]);
          if (next_cursor !== null) expect(next_cursor).toMatch(/^[\w-]+$/);
          seen.push(...items);
          query = next_cursor === null ? '' : `limit=${limit}&cursor=${next_cursor}`;
        }
        expect(seen).toEqual(list.map(String));
      }),
    );
  });
});

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
