import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker } from '../../broker/index.js';
import type { Renderer } from '../../hub/index.js';
import { Collectors, MetricsService } from '../../metrics/index.js';
import type { ChannelName, Message, Principal, WireMessage } from '../../protocol/index.js';
import { LatestReader } from '../../store/index.js';
import { Subscriptions } from '../connections/index.js';

/** The injection token of the dialect in which channels are shown by REST. */
export const CHANNELS_RENDERER = Symbol('metricast.channels-renderer');

/** The last message of a channel, as a subscriber would have been sent it. */
@Injectable()
export class LatestMessages {
  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly collectors: Collectors,
    private readonly metrics: MetricsService,
    private readonly latest: LatestReader,
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(CHANNELS_RENDERER) private readonly renderer: Renderer,
  ) {}

  /**
   * `undefined` where there is none: no such channel, or nothing in it that the principal may see.
   *
   * @throws {@link MetricastError} `collect_failed`; `streaming_disabled` or `feature_disabled` where it is not collected.
   */
  async of(principal: Principal, name: string): Promise<WireMessage | undefined> {
    const { tenant } = principal;
    const [channel] = await this.subscriptions.existing(principal, [name]);
    if (!channel) return undefined;
    // Before the message: who resumes from there had rather get one twice than miss one.
    const position = this.broker.position(tenant, channel);
    const message = await this.#messageOf(principal, channel);
    return message ? this.renderer.render({ tenant, channel, message, ...position }, 'snapshot')[0] : undefined;
  }

  #messageOf({ tenant, filter }: Principal, channel: ChannelName): Promise<Message | null> {
    if (this.collectors.has(channel)) return this.metrics.current(tenant, channel, filter);
    if (channel.endsWith('.events')) return this.latest.event(tenant, channel, filter);
    return this.latest.sample(tenant, channel, filter);
  }
}
