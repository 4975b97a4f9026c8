import { Inject, Injectable } from '@nestjs/common';
import { type Connection, Hub, PRESENCE, type Presence } from '../../hub/index.js';
import { type CommandOf, MetricastError, parseChannelName } from '../../protocol/index.js';
import { Subscriptions } from './subscriptions.js';

/** Tells a connection who listens to a channel of its tenant. */
@Injectable()
export class Attendance {
  constructor(
    private readonly hub: Hub,
    private readonly subscriptions: Subscriptions,
    @Inject(PRESENCE) private readonly presence: Presence,
  ) {}

  /** @throws {@link MetricastError} `unknown_channel` for one that the principal could not subscribe to. */
  async answer(connection: Connection, command: CommandOf<'presence'>): Promise<void> {
    const { principal } = connection;
    const [channel] = await this.subscriptions.existing(principal, [command.channel]);
    if (!channel) throw new MetricastError('unknown_channel', { channel: parseChannelName(command.channel) });
    const presence = await this.presence.of(principal.tenant, channel);
    this.hub.reply(connection, { type: 'presence', command, channel, presence });
  }
}
