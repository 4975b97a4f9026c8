import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseTenantId } from '../../../src/protocol/index.js';
import { identityOf } from '../../../src/store/series-identity.js';
import { type Surplus, SeriesRoom } from '../../../src/store/series-room.js';
import type { Write } from '../../../src/store/index.js';

/** The series that are stored, as far as the room asks for them. */
class Stored {
  readonly identities = new Set<string>();

  run(write: Write<Surplus>): Surplus {
    let step = write.next();
    while (!step.done) {
      const statement = step.value;
      if (!('sql' in statement)) throw new Error('a room writes nothing');
      const known = statement.values.filter((value) => this.identities.has(value as string));
      const rows = statement.sql.includes('count(*)')
        ? [{ series: this.identities.size }]
        : known.map((identity) => ({ identity, series_id: 1, seen_on: 1 }));
      step = write.next(rows);
    }
    return step.value;
  }
}

it('is never exceeded, however many writes of one transaction begin series', () => {
  const transaction = fc.array(fc.nat(20), { minLength: 60, maxLength: 120, size: 'max' });
  const property = fc.property(fc.array(transaction, { minLength: 12, maxLength: 15, size: 'max' }), (transactions) => {
    const [room, stored, tenant, limit] = [new SeriesRoom(), new Stored(), parseTenantId('acme')!, 6500];
    let next = 0;
    for (const writes of transactions) {
      const committed = writes.map((count) => {
        const keys = Array.from({ length: count }, () => `key ${next++}`);
        const surplus = stored.run(room.surplus(tenant, keys, limit));
        for (const key of keys) if (!surplus.keys.has(key)) stored.identities.add(identityOf(key));
        return surplus;
      });
      for (const { remember } of committed) remember();
      expect(stored.identities.size).toBeLessThanOrEqual(limit);
    }
    // And there is room for all that it may be.
    expect(stored.identities.size).toBe(Math.min(limit, next));
  });
  fc.assert(property, { numRuns: 5 });
});
