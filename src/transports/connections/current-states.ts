import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker } from '../../broker/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import { MetricsService } from '../../metrics/index.js';
import {
  type ChannelName,
  type CommandOf,
  type Failure,
  MetricastError,
  type State,
  canonicalKey,
} from '../../protocol/index.js';
import { Tenants } from '../../tenants/index.js';

/** Shows a connection a channel's state as it is now, between two ticks. */
@Injectable()
export class CurrentStates {
  constructor(
    private readonly hub: Hub,
    private readonly metrics: MetricsService,
    private readonly tenants: Tenants,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** Shows what a connection is subscribed to, as the next tick would. Does not reject. */
  async show(connection: Connection, channel: ChannelName): Promise<void> {
    const filter = connection.memberships.get(channel)?.audience.filter;
    const { tenant } = connection.principal;
    if (!filter || !this.tenants.isPushed(tenant, channel)) return;
    const failed = (): Failure => ({ kind: 'failure', timestamp: Date.now(), filterKey: canonicalKey(filter) });
    const message = await this.metrics.current(tenant, channel, filter).catch(failed);
    // It may have been switched off while it was collected.
    if (!message || !this.tenants.isPushed(tenant, channel)) return;
    // It may be gone by now, or have subscribed with another filter: then the hub has nobody to show this to.
    this.hub.showState(connection, { tenant, channel, message, ...this.broker.position(tenant, channel) });
  }

  /** Answers with the state, subscribed or not. @throws {@link MetricastError} where there is none. */
  async answer(connection: Connection, command: CommandOf<'request_state'>): Promise<void> {
    const { tenant, filter } = connection.principal;
    const requirePushed = () => {
      const refusal = this.tenants.refusalOf(tenant, command.channel);
      if (refusal) throw new MetricastError(refusal);
    };
    requirePushed();
    const state: State | null = await this.metrics.current(tenant, command.channel, filter);
    requirePushed();
    if (!state) throw new MetricastError('not_found');
    this.hub.reply(connection, { type: 'state', command, state });
  }
}
