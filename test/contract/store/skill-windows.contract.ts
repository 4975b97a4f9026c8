import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Storage, newTenant } from '../../support/storage.js';

const MINUTE = 60_000;
/** The beginning of a minute. */
const BASE = Date.UTC(2026, 10, 1, 12);

/** A window counts the runs after its beginning, up to and including its end. */
export function skillWindowsContract(storage: () => Storage): void {
  it('windows count as one would count by hand, to the millisecond', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.record({ at: instant, completed: fc.boolean() }), { minLength: 5, maxLength: 40 }),
      fc.array(fc.tuple(instant, instant), { minLength: 10, maxLength: 40 }),
      async (runs, windows) => {
        const tenant = newTenant();
        const of = (skill_name: string) =>
          runs.map(({ at, completed }) => ({ skill_name, completed, timestamp: new Date(at).toISOString() }));
        await storage().skills.record(tenant, [...of('s'), ...of('other')]);

        for (const [from, to] of windows) {
          const inside = runs.filter(({ at }) => at > from && at <= to);
          expect(await storage().windows.runs(tenant, 's', from, to)).toEqual({
            runs: inside.length,
            completed: inside.filter(({ completed }) => completed).length,
          });
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
}

/** Within three minutes; mostly close to where one begins. */
const instant = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(3), fc.constantFrom(-1, 0, 1)).map(([minute, off]) => BASE + minute * MINUTE + off),
  },
  { weight: 1, arbitrary: fc.integer({ min: BASE, max: BASE + 3 * MINUTE }) },
);
