import { Controller, Injectable, Param, Post } from '@nestjs/common';
import { EventsService, type MetricastOptions } from 'nestjs-metricast';
import { afterEach, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { ChannelsClient } from '../support/channels-client.js';
import { RunningHost, createHost, hostModule } from '../support/host.js';

/** The tenant of everybody on loopback, where there are no tokens. */
const TENANT = 'local';

/** A part of the host that tells what it does. */
@Injectable()
class Kitchen {
  constructor(private readonly events: EventsService) {}

  async cook(dish: string): Promise<void> {
    const run = { agentId: 'stove', runId: `cooking ${dish}`, kind: 'workflow' } as const;
    await this.events.executionStarted(TENANT, run);
    await this.events.executionCompleted(TENANT, { ...run, runtimeSeconds: 90, creditsConsumed: 0.5 });
    await this.events.metricsUpdate(TENANT, { dishes: 1 });
    await this.events.alert(TENANT, { type: 'stock', message: `no more ${dish}`, priority: 'high' });
    await this.events.publish(TENANT, 'kitchen.events', {
      type: 'dish_ready',
      data: { dish },
      tags: { table: '7' },
    });
  }
}

@Controller('kitchen')
class KitchenController {
  constructor(private readonly kitchen: Kitchen) {}

  @Post(':dish')
  cook(@Param('dish') dish: string): Promise<void> {
    return this.kitchen.cook(dish);
  }
}

const KITCHEN = { controllers: [KitchenController], providers: [Kitchen] };
const DECLARED = { eventTypes: { 'kitchen.events': ['dish_ready'] } };

describe.each<Platform>(['express', 'fastify'])('events of a host on %s', (platform) => {
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  const listen = async (options: MetricastOptions = {}) => {
    const host = await RunningHost.listen(await createHost(platform, hostModule(KITCHEN, options)));
    closing.push(() => host.close());
    return host;
  };
  const watch = async (host: RunningHost) => {
    const client = await ChannelsClient.open(host.url('/ws/metrics', 'ws'), 'JSON');
    closing.push(() => client.close());
    return client;
  };

  it('reach the clients that asked for their channels, in the order in which they happened', async () => {
    const host = await listen(DECLARED);
    const client = await watch(host);
    const ack = await client.subscribe(['executions.events', 'alerts.events', 'kitchen.events']);
    expect(ack).toMatchObject({ type: 'subscribed' });
    expect(await host.post('/kitchen/soup', {})).toEqual([201, undefined]);

    const common = { timestamp: expect.any(String) as string };
    const tags = { agent_id: 'stove', kind: 'workflow' };
    const run = { agent_id: 'stove', run_id: 'cooking soup' };
    expect(await client.settled()).toEqual([
      {
        ...common,
        channel: 'executions.events',
        event: 'execution_started',
        data: { ...run, user_id: null, started_at: expect.any(String) as string },
        tags,
        offset: 1,
      },
      {
        ...common,
        channel: 'executions.events',
        event: 'execution_completed',
        data: {
          ...run,
          success: true,
          runtime_seconds: 90,
          credits_consumed: 0.5,
          completed_at: expect.any(String) as string,
        },
        tags,
        offset: 2,
      },
      {
        ...common,
        channel: 'executions.events',
        event: 'metrics_update',
        data: { dishes: 1 },
        tags: {},
        offset: 3,
      },
      {
        ...common,
        channel: 'alerts.events',
        event: 'alert',
        data: { type: 'stock', message: 'no more soup', priority: 'high' },
        tags: { type: 'stock', priority: 'high' },
        offset: 1,
      },
      {
        ...common,
        channel: 'kitchen.events',
        event: 'dish_ready',
        data: { dish: 'soup' },
        tags: { table: '7' },
        offset: 1,
      },
    ]);
  });

  it('are counted in the states, as what is recorded by REST is', async () => {
    const host = await listen({ updateInterval: 0.1 });
    const client = await watch(host);
    await host.post('/kitchen/soup', {});
    const again = { run_id: 'cooking soup', agent_id: 'stove', status: 'completed' };
    await host.post('/ingest/executions', [again, { ...again, run_id: 'cooking rice' }]);
    await client.subscribe(['executions.metrics']);

    expect(await client.nextOf('executions.metrics')).toMatchObject({ total_executions: 2, credits_consumed: 0.5 });
  });

  it('can be asked for before the first one came only where the host declared them', async () => {
    const [declaring, silent] = [await listen(DECLARED), await listen()];

    expect(await (await watch(declaring)).subscribe(['kitchen.events'])).toMatchObject({ type: 'subscribed' });
    const client = await watch(silent);
    expect(await client.subscribe(['kitchen.events'])).toMatchObject({ type: 'error', code: 'unknown_channel' });
    await silent.post('/kitchen/soup', {});
    expect(await client.subscribe(['kitchen.events'])).toMatchObject({ type: 'subscribed' });
  });

  it.each<[what: string, eventTypes: unknown]>([
    ['a channel of metrics', { 'kitchen.metrics': ['dish_ready'] }],
    ['a channel that cannot be', { 'Kitchen.events': ['dish_ready'] }],
    ['a type that cannot be', { 'kitchen.events': ['dish_ready', 'dish ready'] }],
    ['a type that is not in a list', { 'kitchen.events': 'dish_ready' }],
  ])('stop the start where they are declared for %s', async (_what, eventTypes) => {
    const module = hostModule({}, { eventTypes } as MetricastOptions);

    await expect(createHost(platform, module)).rejects.toThrow(/^Metricast option eventTypes: .+/);
  });
});
