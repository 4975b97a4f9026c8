import { describe, expect, it } from 'vitest';
import { MetricastError, parseHistoryQuery } from '../../../src/protocol/index.js';

const CURSOR = 'orders.metrics@1m:1700000000000.7.0:1700000100000';
const asked = (fields: object = {}) => ({ channel: 'orders.metrics', start_time: 1_700_000_000, ...fields });

function fieldsOf(data: unknown): unknown[] {
  try {
    parseHistoryQuery(data);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(MetricastError);
    expect(error).toMatchObject({ code: 'bad_request' });
    return (error as MetricastError).details.errors!.map(({ field }) => field);
  }
}

describe('what is asked of a history', () => {
  it('has its usual values', () => {
    expect(parseHistoryQuery(asked())).toEqual({
      channel: 'orders.metrics',
      start: 1_700_000_000_000,
      end: undefined,
      name: undefined,
      filter: {},
      interval: undefined,
      limit: 1000,
      cursor: undefined,
    });
    const nothing = { end_time: null, name: null, tags: null, aggregation_interval: null, limit: null, cursor: null };
    expect(parseHistoryQuery(asked(nothing))).toEqual(parseHistoryQuery(asked()));
  });

  it('is read field by field', () => {
    const data = {
      end_time: '2023-11-14T22:15:00Z',
      name: 'orders.placed',
      tags: { shop: ['south', 'north'] },
      aggregation_interval: '1s',
      limit: 10_000,
      cursor: CURSOR,
    };
    expect(parseHistoryQuery(asked(data))).toEqual({
      channel: 'orders.metrics',
      start: 1_700_000_000_000,
      end: 1_700_000_100_000,
      name: 'orders.placed',
      filter: { shop: ['north', 'south'] },
      interval: '1s',
      limit: 10_000,
      cursor: {
        channel: 'orders.metrics',
        resolution: '1m',
        after: { timestamp: 1_700_000_000_000, series: 7, row: 0 },
        end: 1_700_000_100_000,
      },
    });
  });

  it.each([undefined, null, 'x', 7, [], {}])('needs a channel and a start: %j', (data) =>
    expect(fieldsOf(data)).toEqual(['channel', 'start_time']),
  );

  it('goes on with a cursor of its channel, with windows that are no shorter than those asked for', () => {
    const by = (fields: object) => fieldsOf(asked({ cursor: CURSOR, ...fields }));
    expect(by({})).toEqual([]);
    expect(by({ aggregation_interval: '1m' })).toEqual([]);
    expect(by({ aggregation_interval: '5m' })).toEqual(['cursor']);
    expect(by({ channel: 'other.metrics' })).toEqual(['cursor']);
  });

  it('can be an instant, but not end before it begins', () => {
    expect(fieldsOf(asked({ end_time: 1_700_000_000 }))).toEqual([]);
    expect(fieldsOf(asked({ end_time: 1_699_999_999.999 }))).toEqual(['end_time']);
  });

  it('has no windows of events', () => {
    expect(fieldsOf(asked({ channel: 'a.events', aggregation_interval: '1m' }))).toEqual(['aggregation_interval']);
    expect(fieldsOf(asked({ channel: 'a.events' }))).toEqual([]);
  });

  it('has what was found to be wrong before told with the rest, each field once', () => {
    const wrong = [{ field: 'start_time', message: 'must be one value' }];
    expect(() => parseHistoryQuery({ limit: 0 }, wrong)).toThrow(
      'Invalid request: start_time must be one value; channel must be a channel name; limit must be a whole number from 1 to 10000',
    );
  });
});
