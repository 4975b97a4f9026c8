import { Injectable, type Provider, Scope } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { type CollectContext, CollectMetrics, Collectors } from '../../../src/metrics/index.js';
import { ALL_FEATURES, NO_FILTER } from '../../../src/protocol/index.js';
import { ACME } from '../../support/principals.js';
import { channelName } from '../../support/publications.js';

const QUEUE = channelName('queue.metrics');
const context: CollectContext = { tenant: ACME, filter: NO_FILTER, features: ALL_FEATURES, timestamp: 7 };

@Injectable()
class QueueMetrics {
  readonly waiting = 3;

  @CollectMetrics('queue.metrics', { every: 5, dimensions: ['queue'] })
  collect({ tenant }: CollectContext) {
    return { tenant, waiting: this.waiting };
  }

  /** Not marked. */
  other(): void {}
}

@Injectable()
class InheritedMetrics extends QueueMetrics {}

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

/** The collectors that are found in an application with these providers. */
async function discover(...providers: Provider[]): Promise<Collectors> {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [Collectors, ...providers],
  }).compile();
  close = () => module.close();
  await module.init();
  return module.get(Collectors);
}

function classWith(channel: string, every?: number): Provider {
  class Metrics {
    @CollectMetrics(channel, { every })
    collect() {
      return {};
    }
  }
  return Injectable()(Metrics) ?? Metrics;
}

describe('collectors', () => {
  test.each<[string, Provider]>([
    ['a class', QueueMetrics],
    ['a class that inherits it', InheritedMetrics],
    ['a class for a token', { provide: 'metrics', useClass: QueueMetrics }],
    ['a factory', { provide: 'metrics', useFactory: () => new QueueMetrics() }],
    ['an async factory', { provide: QueueMetrics, useFactory: () => Promise.resolve(new QueueMetrics()) }],
    ['a value', { provide: 'metrics', useValue: new QueueMetrics() }],
  ])('are found on %s, with their options, bound to the instance', async (_where, provider) => {
    const collectors = await discover(provider);
    expect(collectors.has(QUEUE)).toBe(true);
    const { collect, ...options } = collectors.get(QUEUE)!;
    expect(options).toEqual({ channel: QUEUE, every: 5, dimensions: ['queue'] });
    expect(await collect(context)).toEqual({ tenant: ACME, waiting: 3 });
  });

  test('are found once on a provider that has two names', async () => {
    const collectors = await discover(QueueMetrics, { provide: 'alias', useExisting: QueueMetrics });
    expect(collectors.has(QUEUE)).toBe(true);
  });

  test('are none where nothing is marked', async () => {
    const collectors = await discover(
      { provide: 'null', useValue: null },
      { provide: 'text', useValue: 'text' },
      { provide: 'object', useValue: Object.create(null) as object },
      { provide: 'function', useValue: () => undefined },
    );
    expect(collectors.has(QUEUE)).toBe(false);
    expect(collectors.get(QUEUE)).toBeUndefined();
  });

  test('touch no getter of a provider', async () => {
    class Touchy {
      get metrics(): never {
        throw new Error('touched');
      }
    }
    await expect(discover(Touchy)).resolves.toBeInstanceOf(Collectors);
  });

  test.each(['queue', 'queue.events', 'Queue.metrics', '', 'a b.metrics', `${'a'.repeat(121)}.metrics`])(
    'refuse the channel %j at start, and say where it stands',
    async (channel) => {
      await expect(discover(classWith(channel))).rejects.toThrow(
        /^@CollectMetrics on Metrics\.collect: the channel must/,
      );
    },
  );

  test.each([0, -1, 0.09, 3601, Number.NaN, Infinity])('refuse to collect every %d seconds', async (every) => {
    await expect(discover(classWith('queue.metrics', every))).rejects.toThrow(
      /^@CollectMetrics on Metrics\.collect: every must be 0\.1 to 3600 seconds$/,
    );
  });

  test('refuse a channel that is taken', async () => {
    await expect(discover(QueueMetrics, classWith('queue.metrics'))).rejects.toThrow(
      /^@CollectMetrics on Metrics\.collect: the channel has a collecting method already$/,
    );
  });

  test('refuse a provider of which there is not one instance', async () => {
    for (const scope of [Scope.REQUEST, Scope.TRANSIENT]) {
      const provider = { provide: QueueMetrics, useClass: QueueMetrics, scope };
      await expect(discover(provider)).rejects.toThrow(
        '@CollectMetrics on QueueMetrics.collect: the provider must be a singleton',
      );
    }
  });

  test('refuse a provider that depends on one of each request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {}
    @Injectable()
    class DependentMetrics extends QueueMetrics {
      constructor(readonly request: PerRequest) {
        super();
      }
    }
    await expect(discover(PerRequest, DependentMetrics)).rejects.toThrow(
      '@CollectMetrics on DependentMetrics.collect: the provider must be a singleton',
    );
  });
});
