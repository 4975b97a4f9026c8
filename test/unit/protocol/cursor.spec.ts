import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  INTERVAL_NAMES,
  type HistoryCursor,
  cursorOf,
  historyCursorOf,
  parseChannelName,
  parseCursor,
  parseHistoryCursor,
} from '../../../src/protocol/index.js';

const channels = fc
  .stringMatching(/^[a-z0-9_.-]{1,100}$/)
  .chain((name) => fc.constantFrom(`${name}.metrics`, `${name}.events`))
  .map((name) => parseChannelName(name)!);

describe('the cursor of a publication', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(channels, fc.stringMatching(/^[\w.:@-]{1,60}$/), fc.maxSafeNat(), (channel, epoch, offset) => {
        expect(parseCursor(cursorOf({ channel, epoch, offset }))).toEqual({ channel, epoch, offset });
      }),
    );
  });

  it.each(['', 'orders.metrics', 'orders.metrics@', 'orders.metrics@e', 'orders.metrics@e:', 'orders.metrics@:1'])(
    'is not %j',
    (text) => expect(parseCursor(text)).toBeUndefined(),
  );

  it.each([
    'Orders.metrics@e:1',
    'orders@e:1',
    '@e:1',
    'orders.metrics@e:-1',
    'orders.metrics@e:1.5',
    'orders.metrics@e:1e3',
    'orders.metrics@e:9007199254740992',
    'orders.metrics@e:1\n',
    ' orders.metrics@e:1',
    `orders.metrics@${'e'.repeat(600)}:1`,
  ])('is not %.40j', (text) => expect(parseCursor(text)).toBeUndefined());
});

describe('the cursor of a page of history', () => {
  it('is read as it was written', () => {
    const instants = fc.nat(253_370_764_799_999);
    fc.assert(
      fc.property(
        fc.record<HistoryCursor>({
          channel: channels,
          resolution: fc.constantFrom('raw', ...INTERVAL_NAMES),
          after: fc.record({ timestamp: instants, series: fc.nat(2 ** 31 - 1), row: fc.maxSafeNat() }),
          end: instants,
        }),
        (cursor) => {
          expect(parseHistoryCursor(historyCursorOf(cursor))).toEqual(cursor);
        },
      ),
    );
  });

  it('is none that a publication has', () => {
    expect(parseHistoryCursor('orders.metrics@raw:7')).toBeUndefined();
    expect(parseHistoryCursor('orders.metrics@5f0c:7')).toBeUndefined();
  });

  it.each([
    '',
    'orders.metrics@raw:1.2.3:',
    'orders.metrics@raw:1.2.3:4:5',
    'orders.metrics@raw:1.2:4',
    'orders.metrics@raw:1.2.3.4:5',
    'orders.metrics@2s:1.2.3:4',
    'orders.metrics@constructor:1.2.3:4',
    'Orders.metrics@raw:1.2.3:4',
    'orders.metrics@raw:-1.2.3:4',
    'orders.metrics@raw:1.2.+3:4',
    'orders.metrics@raw:1.2147483648.3:4',
    'orders.metrics@raw:1.2.9007199254740992:4',
    'orders.metrics@raw:253370764800000.2.3:4',
    'orders.metrics@raw:1.2.3:253370764800000',
    'orders.metrics@raw:1.2.3:4\n',
  ])('is not %j', (text) => expect(parseHistoryCursor(text)).toBeUndefined());

  it('is nothing that was made up', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseHistoryCursor(text)).toBeUndefined();
      }),
    );
  });
});
