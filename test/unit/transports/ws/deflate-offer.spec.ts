import { describe, expect, it } from 'vitest';
import { acceptableOffer } from '../../../../src/transports/ws/deflate-offer.js';

const PLAIN = 'permessage-deflate';

describe('an offer of permessage-deflate', () => {
  it.each([
    ['without parameters', PLAIN],
    ['of browsers', 'permessage-deflate; client_max_window_bits'],
    ['of a narrower window for what the client sends', 'permessage-deflate; client_max_window_bits=8'],
    ['of the window that all frames have', 'permessage-deflate; server_max_window_bits=12'],
    ['of a wider window than all frames have', 'permessage-deflate; server_max_window_bits=15'],
    [
      'of everything',
      'permessage-deflate;server_no_context_takeover;client_no_context_takeover;server_max_window_bits=13;client_max_window_bits=10',
    ],
  ])('%s is accepted', (_what, offer) => {
    expect(acceptableOffer(offer)).toBe(offer);
  });

  it.each([
    ['of a window that is too narrow for shared frames', 'permessage-deflate; server_max_window_bits=11'],
    ['of a window that no client can have', 'permessage-deflate; server_max_window_bits=16'],
    ['of a window without a size', 'permessage-deflate; server_max_window_bits'],
    ['of a window with a leading zero', 'permessage-deflate; server_max_window_bits=012'],
    ['of a window that is no number', 'permessage-deflate; client_max_window_bits=wide'],
    ['of a window of seven bits', 'permessage-deflate; client_max_window_bits=7'],
    ['with a value where none belongs', 'permessage-deflate; server_no_context_takeover=1'],
    ['with an unknown parameter', 'permessage-deflate; level=9'],
    ['with an empty parameter', 'permessage-deflate;'],
    ['with a parameter twice', 'permessage-deflate; client_max_window_bits; client_max_window_bits=10'],
    ['by another name', 'x-webkit-deflate-frame'],
    ['by a name in capitals', 'PerMessage-Deflate'],
    ['inside a quoted value', 'other; value="x, permessage-deflate, y"'],
    ['inside a quoted value that is left open', 'other; value="x; permessage-deflate'],
    ['that opens a quote and then only escapes', `other; value="${'\\\\"'.repeat(8000)}, permessage-deflate`],
    ['that ends within an escape', 'other; value="x, permessage-deflate\\\\'],
    ['of nothing', ''],
    ['not at all', undefined],
  ])('%s is declined', (_what, offer) => {
    expect(acceptableOffer(offer)).toBeUndefined();
  });

  it('is the first that can be accepted', () => {
    const header =
      'other; a=1, permessage-deflate; server_max_window_bits=9, permessage-deflate; unknown, permessage-deflate';

    expect(acceptableOffer(header)).toBe(PLAIN);
  });

  it('may have its values quoted', () => {
    expect(acceptableOffer('permessage-deflate; server_max_window_bits="12"')).toBe(
      'permessage-deflate; server_max_window_bits=12',
    );
  });
});
