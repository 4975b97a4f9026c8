import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Outbox } from '../../../src/hub/outbox.js';
import { RecordingTransport } from '../../support/recording-transport.js';

const BEHIND = 256 * 1024 + 1;
const OWNERS = [{ audience: 'a' }, { audience: 'b' }, { audience: 'c' }];

type Action =
  { do: 'push'; owner: number | undefined; size: number } | { do: 'flush' } | { do: 'stall' } | { do: 'drain' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      owner: fc.option(fc.nat(OWNERS.length - 1), { nil: undefined }),
      size: fc.integer({ min: 16, max: 300 }),
    }),
    weight: 8,
  },
  { arbitrary: fc.constantFrom<Action>({ do: 'flush' }, { do: 'stall' }, { do: 'drain' }), weight: 5 },
);

interface Pushed {
  readonly number: number;
  readonly owner: number | undefined;
  readonly size: number;
}

/** An outbox that looks through all that waits: behind a slow reader, the older one of two states goes. */
class NaiveOutbox {
  readonly written: Pushed[] = [];
  isReading = true;
  #waiting: Pushed[] = [];
  #isBehind = false;

  get bytes(): number {
    return this.#waiting.reduce((sum, { size }) => sum + size, 0);
  }

  push(pushed: Pushed): void {
    this.#waiting.push(pushed);
    if (!this.#isBehind) return;
    this.#conflate();
    this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#isBehind = !this.isReading;
    if (this.#isBehind) this.#conflate();
    else this.written.push(...this.#waiting.splice(0));
  }

  #conflate(): void {
    const kept: Pushed[] = [];
    for (const pushed of this.#waiting) {
      const older = pushed.owner === undefined ? -1 : kept.findIndex(({ owner }) => owner === pushed.owner);
      if (older >= 0) kept.splice(older, 1);
      kept.push(pushed);
    }
    this.#waiting = kept;
  }
}

test('an outbox sends what a naive one would, and counts its bytes', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150, size: 'max' }), (actions) => {
      const transport = new RecordingTransport();
      const outbox = new Outbox(transport, () => expect.fail('overflow'));
      const naive = new NaiveOutbox();
      const pushed: Pushed[] = [];
      for (const { do: what, ...push } of [...actions, { do: 'drain' as const }, { do: 'flush' as const }]) {
        if (what === 'flush') {
          outbox.flush();
          naive.flush();
        } else if (what === 'push') {
          const { owner, size } = push as Action & { do: 'push' };
          const each = { number: pushed.length, owner, size };
          pushed.push(each);
          outbox.push(
            Buffer.from(`${`${each.number}`.padEnd(size - 1)}\n`),
            owner === undefined ? undefined : OWNERS[owner],
          );
          naive.push(each);
        } else {
          naive.isReading = what === 'drain';
          if (naive.isReading) transport.drain();
          else transport.stall(BEHIND);
        }
        expect(outbox.queuedBytes).toBe(naive.bytes + transport.bufferedBytes);
        expect(outbox.isEmpty).toBe(naive.bytes === 0);
      }

      const received = transport.lines.map((line) => pushed[Number(line)]!);
      expect(received).toEqual(naive.written);
      expect(outbox.conflated).toBe(pushed.length - received.length);
      // Nothing overtakes anything.
      expect(received).toEqual(received.toSorted((one, other) => one.number - other.number));
      const events = (all: Pushed[]) => all.filter(({ owner }) => owner === undefined);
      expect(events(received)).toEqual(events(pushed));
      for (const owner of OWNERS.keys()) {
        const own = (all: Pushed[]) => all.filter((each) => each.owner === owner).map(({ number }) => number);
        expect(own(received)).toEqual(own(received).toSorted((one, other) => one - other));
        expect(own(received).at(-1)).toBe(own(pushed).at(-1));
      }
    }),
    { numRuns: 200 },
  );
});
