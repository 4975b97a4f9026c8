import { Injectable } from '@nestjs/common';
import { Collectors } from '../../metrics/index.js';
import { BUILT_IN_CHANNELS, type ChannelName, type Principal, isoTimestamp } from '../../protocol/index.js';
import type { PageRequest } from '../../rest/index.js';
import { ChannelDirectory, LatestReader } from '../../store/index.js';
import { Subscriptions } from '../connections/index.js';

/** What a channel is made of. One that is collected is a state, whatever is recorded in it besides. */
export type ChannelKind = 'state' | 'samples' | 'events';

export interface ChannelItem {
  readonly channel: ChannelName;
  readonly kind: ChannelKind;
  /** The timestamp of the newest thing recorded in it, of what the principal may see; null where there is none. */
  readonly last_at: string | null;
}

/** Lists the channels that a principal can subscribe to. */
@Injectable()
export class ChannelList {
  constructor(
    private readonly collectors: Collectors,
    private readonly directory: ChannelDirectory,
    private readonly subscriptions: Subscriptions,
    private readonly latest: LatestReader,
  ) {}

  /** Sorted by name; one more than the page's limit where there are more. */
  async list(principal: Principal, { limit, after = '' }: PageRequest<string>): Promise<ChannelItem[]> {
    const { tenant, filter } = principal;
    const names = [...BUILT_IN_CHANNELS, ...this.collectors.channels, ...(await this.directory.list(tenant))];
    const existing = await this.subscriptions.existing(principal, names);
    const shown = [...existing]
      .sort()
      .filter((channel) => channel > after)
      .slice(0, limit + 1);
    const times = await this.latest.times(tenant, shown, filter);
    return shown.map((channel) => {
      const at = times.get(channel);
      return { channel, kind: this.#kindOf(channel), last_at: at === undefined ? null : isoTimestamp(at) };
    });
  }

  #kindOf(channel: ChannelName): ChannelKind {
    if (channel.endsWith('.events')) return 'events';
    return BUILT_IN_CHANNELS.has(channel) || this.collectors.has(channel) ? 'state' : 'samples';
  }
}
