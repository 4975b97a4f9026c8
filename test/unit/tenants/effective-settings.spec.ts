import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUILT_IN_PROFILES,
  DEFAULT_LIMITS,
  DEFAULT_PROFILE,
  NOTHING_SET,
  type OwnSettings,
  type Profile,
  effectiveSettings,
} from '../../../src/tenants/index.js';

const DEFAULTS = { updateInterval: 1, limits: DEFAULT_LIMITS };
const USUAL = BUILT_IN_PROFILES.get(DEFAULT_PROFILE)!;
const NIGHT: Profile = {
  name: 'night',
  mode: 'stream',
  collectionIntervalSeconds: 30,
  maxEventsPerMinute: 2,
  description: '',
};

const applied = (own: Partial<OwnSettings>, profile = USUAL, defaults = DEFAULTS) =>
  effectiveSettings({ ...NOTHING_SET, ...own }, profile, defaults);

describe('what applies to a tenant', () => {
  test('is what the contract says where it has set nothing', () => {
    expect(applied({})).toEqual({
      metricsStreaming: true,
      collectionIntervalSeconds: 1,
      maxEventsPerMinute: 60,
      features: { compression: true, embeddings: true, workflows: true, response_cache: true },
      performanceProfile: 'high_frequency',
      limits: DEFAULT_LIMITS,
      retentionDays: null,
      allowedOrigins: [],
      mode: 'stream',
      isStreaming: true,
      sources: Object.fromEntries(Object.keys(NOTHING_SET).map((name) => [name, 'default'])),
    });
  });

  test('is what it has set, and a value that is 0, false or empty is one', () => {
    const own: OwnSettings = {
      metricsStreaming: false,
      collectionIntervalSeconds: 0.1,
      maxEventsPerMinute: 0,
      features: { compression: false },
      performanceProfile: 'night',
      limits: { maxConnections: 0 },
      retentionDays: 1,
      allowedOrigins: [],
    };
    const settings = applied(own, NIGHT);

    expect(settings).toMatchObject({
      ...own,
      features: { compression: false, embeddings: true, workflows: true, response_cache: true },
      limits: { ...DEFAULT_LIMITS, maxConnections: 0 },
    });
    expect(new Set(Object.values(settings.sources))).toEqual(new Set(['tenant']));
  });

  test('has the pace of the profile that it names, and says so', () => {
    const { sources, ...settings } = applied({ performanceProfile: 'night' }, NIGHT);

    expect(settings).toMatchObject({ collectionIntervalSeconds: 30, maxEventsPerMinute: 2 });
    expect(sources).toMatchObject({
      performanceProfile: 'tenant',
      collectionIntervalSeconds: 'profile',
      maxEventsPerMinute: 'profile',
      features: 'default',
    });
  });

  test('has the server’s pace where it names no profile, and enough states for it', () => {
    expect(applied({}, USUAL, { ...DEFAULTS, updateInterval: 0.2 })).toMatchObject({
      collectionIntervalSeconds: 0.2,
      maxEventsPerMinute: 300,
    });
    expect(applied({}, USUAL, { ...DEFAULTS, updateInterval: 30 })).toMatchObject({
      collectionIntervalSeconds: 30,
      maxEventsPerMinute: 60,
    });
  });

  test('has the pace of the usual profile where it names that one, whatever the server’s is', () => {
    expect(applied({ performanceProfile: DEFAULT_PROFILE }, USUAL, { ...DEFAULTS, updateInterval: 30 })).toMatchObject({
      collectionIntervalSeconds: 1,
      sources: { collectionIntervalSeconds: 'profile' },
    });
  });

  test.each([
    ['stream', true, true],
    ['stream', false, false],
    ['batch', true, false],
    ['off', true, false],
  ] as const)('with the mode %s and streaming %s: pushed is %s', (mode, metricsStreaming, isStreaming) => {
    expect(applied({ metricsStreaming, performanceProfile: 'night' }, { ...NIGHT, mode })).toMatchObject({
      mode,
      metricsStreaming,
      isStreaming,
    });
  });

  test('comes from the tenant exactly where the tenant has set it', () => {
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value);
    const own = fc.record({
      metricsStreaming: maybe(fc.boolean()),
      collectionIntervalSeconds: maybe(fc.double({ min: 0.1, max: 3600, noNaN: true })),
      maxEventsPerMinute: maybe(fc.nat()),
      features: maybe(fc.record({ workflows: fc.boolean() })),
      performanceProfile: maybe(fc.constant('night')),
      limits: maybe(fc.record({ maxSeries: fc.nat() })),
      retentionDays: maybe(fc.integer({ min: 1, max: 3650 })),
      allowedOrigins: maybe(fc.constant<string[]>([])),
    });
    fc.assert(
      fc.property(own, (set) => {
        const settings = applied(set, set.performanceProfile === null ? USUAL : NIGHT);
        for (const name of Object.keys(NOTHING_SET) as (keyof OwnSettings)[]) {
          expect(settings.sources[name] === 'tenant').toBe(set[name] !== null);
          if (set[name] !== null) expect(settings).toMatchObject({ [name]: set[name] });
        }
      }),
    );
  });
});
