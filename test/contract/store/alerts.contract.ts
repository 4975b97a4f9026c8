import { beforeAll, expect, it } from 'vitest';
import type { AlertInput } from '../../../src/feeds/alerts/index.js';
import type { Publication, TenantId } from '../../../src/protocol/index.js';
import { channelName } from '../../support/publications.js';
import { type Storage, newTenant } from '../../support/storage.js';

const NOW = Math.floor(Date.now() / 1000);
const CHANNEL = channelName('alerts.events');

/** What becomes of alerts: each is an event, stored and published once. */
export function alertsContract(storage: () => Storage): void {
  const published: Publication[] = [];
  const publishedTo = (tenant: TenantId) => published.filter((publication) => publication.tenant === tenant);
  beforeAll(() => storage().broker.onPublication((publication) => published.push(publication)));

  it('an alert is stored, and published as the event that it is', async () => {
    const tenant = newTenant();
    await storage().alerts.record(tenant, alert({ message: 'two\nlines, ünï "quoted"' }));

    expect(await storedEvents(storage(), tenant)).toEqual([
      {
        channel: 'alerts.events',
        type: 'alert',
        timestamp: NOW * 1000,
        tags: { priority: 'high', type: 'budget' },
        data: { type: 'budget', message: 'two\nlines, ünï "quoted"', priority: 'high' },
      },
    ]);
    expect(publishedTo(tenant)).toMatchObject([
      {
        channel: 'alerts.events',
        message: {
          kind: 'event',
          type: 'alert',
          timestamp: NOW * 1000,
          tags: { priority: 'high', type: 'budget' },
          data: { type: 'budget', message: 'two\nlines, ünï "quoted"', priority: 'high' },
        },
      },
    ]);
  });

  it('alerts keep the order in which they are sent', async () => {
    const tenant = newTenant();
    const messages = Array.from({ length: 1500 }, (_, index) => `alert ${index}`);
    await storage().alerts.record(
      tenant,
      messages.map((message) => alert({ message })),
    );

    expect((await storedEvents(storage(), tenant)).map(({ data }) => data.message)).toEqual(messages);
    expect(
      publishedTo(tenant).map(({ message }) => (message.kind === 'event' ? message.data['message'] : message)),
    ).toEqual(messages);
  });

  it('an alert that is repeated is stored and published once', async () => {
    const tenant = newTenant();
    await storage().alerts.record(tenant, [alert({ id: 'a' }), alert({ id: 'a' })]);
    await storage().alerts.record(tenant, alert({ id: 'a' }));

    expect(await storedEvents(storage(), tenant)).toHaveLength(1);
    expect(publishedTo(tenant)).toHaveLength(1);
  });

  it('an alert that cannot be stored is not published', async () => {
    const tenant = newTenant();
    const { dataSource, alerts, events } = storage();
    // The last table that an alert is written to.
    await dataSource.query('ALTER TABLE metricast_event_type RENAME TO hidden');
    await expect(alerts.record(tenant, alert({ id: 'a' }))).rejects.toMatchObject({ code: 'busy' });
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_event_type');

    expect(await storedEvents(storage(), tenant)).toEqual([]);
    expect(publishedTo(tenant)).toEqual([]);
    await alerts.record(tenant, alert({ id: 'a' }));
    expect(await storedEvents(storage(), tenant)).toHaveLength(1);
    expect(publishedTo(tenant)).toHaveLength(1);
    expect((await events.channelsOf(tenant, ['alert'])).get('alert')).toEqual([CHANNEL]);
  });

  it('that alerts come is stored with the first alone', async () => {
    const tenant = newTenant();
    const { alerts, transactor } = storage();
    const tablesOf = async () => {
      transactor.statements.length = 0;
      await alerts.record(tenant, alert());
      return transactor.statements.map((statement) => ('into' in statement ? statement.into : statement.sql));
    };

    expect(await tablesOf()).toEqual(['metricast_event', 'metricast_event_type']);
    expect(await tablesOf()).toEqual(['metricast_event']);
  });

  it('an alert is its tenant’s alone', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await storage().alerts.record(one, alert());

    expect(await storedEvents(storage(), other)).toEqual([]);
    expect(publishedTo(other)).toEqual([]);
  });
}

function alert(particulars: Partial<AlertInput> = {}): AlertInput {
  return { type: 'budget', message: 'over budget', priority: 'high', timestamp: NOW, ...particulars };
}

interface StoredAlert {
  readonly data: AlertInput;
}

async function storedEvents(storage: Storage, tenant: string): Promise<StoredAlert[]> {
  const rows = await storage.rows(
    'SELECT channel, type, timestamp, tags, data FROM metricast_event WHERE tenant_id = $1 ORDER BY event_id',
    [tenant],
  );
  return rows.map(({ channel, type, timestamp, tags, data }) => ({
    channel,
    type,
    timestamp: Number(timestamp),
    tags: JSON.parse(tags as string) as unknown,
    data: JSON.parse(data as string) as AlertInput,
  }));
}
