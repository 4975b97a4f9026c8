import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, Hub } from '../../../../src/hub/index.js';
import type { ChannelName } from '../../../../src/protocol/index.js';
import { EventSubscriptions, Resumption } from '../../../../src/transports/connections/index.js';
import { connect, endOfTurn } from '../../../support/connected.js';
import { ACME, tenantId } from '../../../support/principals.js';
import { tenantsWith } from '../../../support/settings.js';
import { channelName, eventWith } from '../../../support/publications.js';
import type { RecordingTransport } from '../../../support/recording-transport.js';
import { type Storage, openStorage } from '../../../support/storage.js';

const REPORTS = channelName('reports.events');
const FRESH = channelName('fresh.events');

describe('a type of events that comes on a channel for the first time', () => {
  let storage: Storage;
  let hub: Hub;
  let subscriptions: EventSubscriptions;
  let connection: Connection;
  let transport: RecordingTransport;
  beforeEach(async () => {
    storage = await openStorage('sqlite::memory:');
    hub = new Hub();
    const tenants = tenantsWith();
    const resumption = new Resumption(tenants, storage.broker);
    subscriptions = new EventSubscriptions(hub, storage.events, tenants, resumption, storage.broker);
    subscriptions.onModuleInit();
    storage.broker.onPublication((publication) => hub.deliver(publication));
    await storage.hostEvents.publish(ACME, REPORTS, { type: 'ready', data: {} });
    ({ connection, transport } = connect(hub));
  });
  afterEach(() => storage.close());

  /** As from another instance: nothing is written here. */
  const publish = (channel: ChannelName, type = 'ready', tenant = ACME) =>
    storage.broker.publishHere([{ tenant, channel, message: eventWith({ type }) }]);
  const watch = () => subscriptions.watch(connection, { type: 'watch_events', eventTypes: ['ready'] });
  const received = async () => {
    await endOfTurn();
    return transport.messages.flatMap(({ channel }) => (channel === undefined ? [] : [channel]));
  };

  test('reaches who watches the type, the first one included', async () => {
    await watch();
    await Promise.all([publish(FRESH), publish(FRESH), publish(REPORTS)]);

    expect(await received()).toEqual([FRESH, FRESH, REPORTS]);
  });

  test('reaches who begins to watch the type meanwhile', async () => {
    const watching = watch();
    const published = publish(FRESH);
    await watching;
    await Promise.all([published, publish(FRESH)]);

    expect(await received()).toEqual([FRESH]);
  });

  test('reaches nobody who watches another type, or in another tenant', async () => {
    await watch();
    await Promise.all([publish(FRESH, 'failed'), publish(FRESH, 'ready', tenantId('globex'))]);

    expect(await received()).toEqual([]);
    expect(connection.channels).toEqual([REPORTS]);
  });

  test('does not reach who has stopped to watch the type', async () => {
    await watch();
    await publish(FRESH);
    subscriptions.unwatch(connection, { type: 'unwatch_events' });
    await Promise.all([publish(FRESH), publish(REPORTS)]);

    expect(await received()).toEqual([FRESH]);
    expect(connection.channels).toEqual([]);
  });
});
