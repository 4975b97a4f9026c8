import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import type { Interval, TenantId } from '../../../src/protocol/index.js';
import { connect, wanting } from '../../support/connected.js';
import { ORDERS, channelName, filterOf } from '../../support/publications.js';

const CARTS = channelName('carts.metrics');
/** Long enough that what keeps their names shows among all else that is in memory. */
const TENANTS = 500;
const NAME_LENGTH = 64 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Connections of a tenant subscribe in all ways there are, and leave in all ways. */
function comeAndGo(hub: Hub, number: number): void {
  // No real name is as long.
  const tenant = Buffer.alloc(NAME_LENGTH, `t${number}-`).toString('latin1') as TenantId;
  const wanted = (['1s', '1m', undefined] as (Interval | undefined)[]).flatMap((interval) => [
    { ...wanting(), interval },
    { ...wanting({ channel: CARTS, filter: filterOf({ env: 'a' }) }), interval },
  ]);
  for (const subscription of wanted) {
    const closed = connect(hub, { principal: { tenant } }).connection;
    hub.subscribe(closed, subscription);
    const left = connect(hub, { principal: { tenant } }).connection;
    hub.hold(left, subscription);
    hub.release(left, subscription.channel, () => false);
    const renewed = connect(hub, { principal: { tenant } }).connection;
    hub.hold(renewed, subscription);
    hub.renew(renewed, { ...renewed.principal, filter: filterOf({ env: 'b' }) });
    expect(hub.audiences.isWatched(tenant, subscription.channel)).toBe(true);
    hub.close(closed);
    hub.unsubscribe(left);
    hub.close(left);
    hub.close(renewed);
  }
  expect(hub.audiences.channelsOf(tenant)).toEqual([]);
  for (const channel of [ORDERS, CARTS]) {
    expect(hub.audiences.isWatched(tenant, channel)).toBe(false);
    expect(hub.audiences.filtersOf(tenant, channel).size).toBe(0);
    expect(hub.audiences.intervalsOf(tenant, channel, '').size).toBe(0);
    expect([...hub.audiences.membersOf(tenant, channel)]).toEqual([]);
  }
}

test('nothing is kept of a tenant that everybody left', () => {
  const hub = new Hub();
  comeAndGo(hub, 0);
  const before = bytesInUse();
  for (let number = 1; number <= TENANTS; number++) comeAndGo(hub, number);
  expect([...hub.audiences.all()]).toEqual([]);
  expect(hub.connections.size).toBe(0);
  // Each name that is kept once is one of these.
  expect((bytesInUse() - before) / NAME_LENGTH).toBeLessThan(TENANTS / 5);
  // Else the hub itself would be gone by then.
  expect(hub.counts.opened).toBeGreaterThan(TENANTS);
});
