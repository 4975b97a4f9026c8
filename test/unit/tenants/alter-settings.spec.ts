import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alterSettings } from '../../../src/tenants/alter-settings.js';
import { NOTHING_SET } from '../../../src/tenants/index.js';
import type { SettingsDto } from '../../../src/tenants/settings.dto.js';

/** Absent, null or one of the values: all that a body may say of a field. */
const field = <T>(...values: T[]) => fc.option(fc.constantFrom<T | null>(null, ...values), { nil: undefined });

const dtos: fc.Arbitrary<SettingsDto> = fc.record({
  metrics_streaming: field(true, false),
  collection_interval_seconds: field(0.1, 7),
  max_events_per_minute: field(0, 5),
  features: fc.oneof(field<never>(), fc.record({ workflows: field(true, false), response_cache: field(true, false) })),
  performance_profile: field('low_frequency', 'disabled'),
  limits: fc.oneof(field<never>(), fc.record({ max_series: field(0, 5), max_connections: field(0, 5) })),
  retention_days: field(1, 5),
  allowed_origins: field(['*'], ['https://a.example'], []),
});

/** RFC 7396, in which a part without a member is as good as none. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(typeof target === 'object' ? target : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const member = mergePatch(merged[name], value);
    if (member === null || JSON.stringify(member) === '{}') delete merged[name];
    else merged[name] = member;
  }
  return merged;
}

/** What is set, by the names of the wire. */
function shown(own: object): unknown {
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(own)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [snake(name), name === 'limits' ? shown(value as object) : (value as unknown)]),
  );
}

describe('changes of settings', () => {
  test('one after another are merged as the RFC merges them', () => {
    fc.assert(
      fc.property(fc.array(dtos), (changes) => {
        const own = changes.reduce(alterSettings, NOTHING_SET);
        expect(shown(own)).toEqual(changes.reduce<unknown>(mergePatch, {}));
      }),
    );
  });

  test('leave nothing behind that a reset would not have', () => {
    const all = Object.fromEntries(
      Object.keys(shown(alterSettings(NOTHING_SET, FULL)) as object).map((name) => [name, null]),
    );
    expect(alterSettings(alterSettings(NOTHING_SET, FULL), all as SettingsDto)).toEqual(NOTHING_SET);
    expect(Object.keys(all)).toHaveLength(Object.keys(NOTHING_SET).length);
  });

  test('keep origins as browsers write them', () => {
    const origins = ['HTTPS://A.Example:443', 'http://b.example:8080', 'chrome-extension://ABC', '*'];
    expect(alterSettings(NOTHING_SET, { allowed_origins: origins }).allowedOrigins).toEqual([
      'https://a.example',
      'http://b.example:8080',
      'chrome-extension://abc',
      '*',
    ]);
  });
});

const FULL: SettingsDto = {
  metrics_streaming: true,
  collection_interval_seconds: 1,
  max_events_per_minute: 1,
  features: { workflows: true },
  performance_profile: 'low_frequency',
  limits: { max_series: 1 },
  retention_days: 1,
  allowed_origins: [],
};
