import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Connected, connect } from '../../support/connected.js';
import { tenantId } from '../../support/principals.js';

test('a hub knows the connections of each tenant, and how many each subject has, whatever opens and closes', () => {
  const tenant = fc.constantFrom('acme', 'beta').map(tenantId);
  const who = fc.record({ tenant, subject: fc.constantFrom('ada', 'bob') });
  const steps = fc.array(fc.oneof(who, fc.nat(20)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (actions) => {
      const hub = new Hub();
      const all: Connected[] = [];
      for (const action of actions) {
        if (typeof action === 'object') all.push(connect(hub, { principal: action }));
        // Some close twice.
        else if (action < all.length) hub.close(all[action]!.connection);
        for (const each of ['acme', 'beta'].map(tenantId)) {
          const open = all.map(({ connection }) => connection).filter(({ isOpen }) => isOpen);
          const own = open.filter(({ principal }) => principal.tenant === each);
          expect(hub.heads.ofTenant(each)).toBe(own.length);
          expect([...hub.heads.connectionsOf(each)]).toEqual(own);
          for (const subject of ['ada', 'bob']) {
            const ofSubject = own.filter(({ principal }) => principal.subject === subject).length;
            expect(hub.heads.ofSubject({ tenant: each, subject })).toBe(ofSubject);
          }
        }
      }
    }),
  );
});
