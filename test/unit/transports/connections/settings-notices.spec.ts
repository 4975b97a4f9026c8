import { beforeEach, describe, expect, test } from 'vitest';
import { Hub } from '../../../../src/hub/index.js';
import { type SettingsNotice, type WireMessage } from '../../../../src/protocol/index.js';
import type { OwnSettings, Tenants } from '../../../../src/tenants/index.js';
import { SettingsNotices } from '../../../../src/transports/connections/settings-notices.js';
import { connect, endOfTurn } from '../../../support/connected.js';
import { PlainDialect } from '../../../support/plain-dialect.js';
import { ACME, tenantId } from '../../../support/principals.js';
import { set, tenantsWith } from '../../../support/settings.js';

/** Has words for settings, as `channels` has. */
class TellingDialect extends PlainDialect {
  renderSettings(notice: SettingsNotice): WireMessage {
    return { settings: notice };
  }
}

let hub: Hub;
let tenants: Tenants;
beforeEach(() => {
  [hub, tenants] = [new Hub(), tenantsWith()];
  new SettingsNotices(hub, tenants).onModuleInit();
});

/** What a client in this dialect is told while a tenant, which is its own, sets one thing after another. */
async function told(dialect: PlainDialect, steps: readonly Partial<OwnSettings>[], tenant = ACME) {
  const { transport } = connect(hub, { dialect });
  for (const own of steps) {
    set(tenants, tenant, own);
    await endOfTurn();
  }
  return transport.messages;
}

const OFF = { error: 'streaming_disabled' };

describe('a client whose dialect has no words for settings', () => {
  test.each<[string, Partial<OwnSettings>[], object[]]>([
    ['that streaming ends', [{ metricsStreaming: false }], [OFF]],
    ['that streaming ends by a profile', [{ performanceProfile: 'batch_only' }], [OFF]],
    [
      'that once, whatever changes while it is off',
      [
        { metricsStreaming: false },
        { metricsStreaming: false, retentionDays: 7 },
        { metricsStreaming: false, collectionIntervalSeconds: 7 },
        { performanceProfile: 'disabled' },
      ],
      [OFF],
    ],
    ['that each time', [{ metricsStreaming: false }, {}, { metricsStreaming: false }], [OFF, OFF]],
    ['nothing else', [{ collectionIntervalSeconds: 7 }, { performanceProfile: 'low_frequency' }, {}], []],
  ])('is told %s', async (_what, steps, messages) => {
    expect(await told(new PlainDialect(), steps)).toEqual(messages);
  });
});

describe('a client whose dialect has words for settings', () => {
  test.each<[string, Partial<OwnSettings>, object]>([
    ['the interval', { collectionIntervalSeconds: 7 }, { interval: 7, profile: 'high_frequency', streaming: true }],
    [
      'the profile',
      { performanceProfile: 'low_frequency' },
      { interval: 5, profile: 'low_frequency', streaming: true },
    ],
    [
      'the profile alone',
      { performanceProfile: 'low_frequency', collectionIntervalSeconds: 1 },
      { interval: 1, profile: 'low_frequency', streaming: true },
    ],
    [
      'that a feature is switched',
      { features: { workflows: false } },
      { interval: 1, profile: 'high_frequency', streaming: true },
    ],
    ['that streaming ends', { metricsStreaming: false }, { interval: 1, profile: 'high_frequency', streaming: false }],
  ])('is told %s, and that it is as before again', async (_what, own, notice) => {
    expect(await told(new TellingDialect(), [own, {}])).toEqual([
      { settings: { ...notice, reason: 'settings_changed' } },
      { settings: { interval: 1, profile: 'high_frequency', streaming: true, reason: 'settings_reset' } },
    ]);
  });

  test.each<Partial<OwnSettings>>([
    { limits: { maxSeries: 5 } },
    { retentionDays: 7 },
    { allowedOrigins: ['https://a.example'] },
    { maxEventsPerMinute: 7 },
    { metricsStreaming: true },
    { performanceProfile: 'high_frequency' },
  ])('is told nothing of %j, which leaves interval, profile, features and streaming as they are', async (own) => {
    expect(await told(new TellingDialect(), [own, {}])).toEqual([]);
  });
});

test('nobody of another tenant is told', async () => {
  const steps = [{ metricsStreaming: false }];

  expect(await told(new TellingDialect(), steps, tenantId('globex'))).toEqual([]);
});
