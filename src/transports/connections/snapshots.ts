import { Injectable, Logger } from '@nestjs/common';
import { Hub } from '../../hub/index.js';
import { Collectors } from '../../metrics/index.js';
import { MetricastError, type Sample, type Subscription, canonicalKey, describeThrown } from '../../protocol/index.js';
import { type Kept, LatestReader } from '../../store/index.js';
import { Tenants } from '../../tenants/index.js';
import { CurrentStates } from './current-states.js';
import { type Held, PastSender } from './past-sender.js';
import { SharedReads } from './shared-reads.js';

/** Series whose newest value is shown. */
const MOST_SERIES = 1000;

/** Shows connections their channels as they are now, where they could not go on where they were. */
@Injectable()
export class Snapshots {
  readonly #logger = new Logger(Snapshots.name);
  readonly #reads = new SharedReads<readonly Kept<Sample>[]>();

  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly tenants: Tenants,
    private readonly states: CurrentStates,
    private readonly latest: LatestReader,
    private readonly past: PastSender,
  ) {}

  /** Whether what {@link show} shows has to be read, while what is published is held back. */
  isRead({ channel, interval }: Subscription): boolean {
    return !interval && !this.collectors.has(channel) && !channel.endsWith('.events');
  }

  /**
   * Shows a channel's state, or the newest value of each of its series; of events nothing. What was held back meanwhile is
   * sent after it. Does not reject.
   */
  async show(held: Held): Promise<void> {
    const { connection, channel, subscription } = held;
    // The next window is sent when it closes.
    if (subscription.interval || channel.endsWith('.events')) return;
    if (!this.isRead(subscription)) return this.states.show(connection, channel);
    try {
      await this.#showNewest(held);
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
      this.hub.sendError(connection, error);
    }
    this.past.release(held);
  }

  async #showNewest(held: Held): Promise<void> {
    const { connection, channel } = held;
    const { tenant } = connection.principal;
    const isPushed = () => this.tenants.isPushed(tenant, channel);
    if (!isPushed()) return;
    const { filter } = connection.memberships.get(channel)!.audience;
    // After a restart all come back at once.
    const samples = await this.#reads.read(`${tenant} ${channel} ${canonicalKey(filter)}`, () =>
      this.latest.samples(tenant, channel, filter, MOST_SERIES),
    );
    if (isPushed()) await this.past.send(held, samples);
  }
}
