import { Inject, Injectable } from '@nestjs/common';
import { hasRole } from '../../auth/index.js';
import { BROKER, type Broker } from '../../broker/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import { Collectors } from '../../metrics/index.js';
import {
  BUILT_IN_CHANNELS,
  type ChannelName,
  type CommandOf,
  GATEWAY_METRICS,
  MAX_CHANNELS,
  MetricastError,
  type Position,
  type Principal,
  parseChannelName,
} from '../../protocol/index.js';
import { ChannelDirectory } from '../../store/index.js';
import { CurrentStates } from './current-states.js';

/** Subscribes connections to channels, and ends that. */
@Injectable()
export class Subscriptions {
  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly directory: ChannelDirectory,
    private readonly states: CurrentStates,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** @throws {@link MetricastError} where the command as a whole cannot be done. */
  async subscribe(connection: Connection, command: CommandOf<'subscribe'>): Promise<void> {
    const names = [...new Set(command.channels)];
    const exists = await this.existing(connection.principal, names);
    for (const name of names.filter((one) => !exists.has(one as ChannelName))) {
      const error = new MetricastError('unknown_channel', { channel: parseChannelName(name) });
      this.hub.sendError(connection, error, command.id);
    }
    const known = [...exists];
    requireRoom(connection, known);
    this.#encode(connection, command.compression);
    if (command.replace) {
      const others = connection.channels.filter((channel) => !exists.has(channel));
      this.hub.unsubscribe(connection, others);
    }
    const { filter, format } = command;
    for (const channel of known) this.hub.subscribe(connection, { channel, filter, format });
    const { channels } = connection;
    if (!command.isQuiet) {
      this.hub.reply(connection, { type: 'subscribed', command, channels, positions: this.#positions(connection) });
    }
    // Waited for, so that a connection that subscribes again and again has one state collected at a time.
    if (command.atOnce) await Promise.all(known.map((channel) => this.states.show(connection, channel)));
  }

  unsubscribe(connection: Connection, command: CommandOf<'unsubscribe'>): void {
    this.hub.unsubscribe(
      connection,
      command.channels?.map((name) => name as ChannelName),
    );
    this.hub.reply(connection, { type: 'unsubscribed', command, channels: connection.channels });
  }

  /** Those of the names that are channels which exist for this principal. */
  async existing(principal: Principal, names: readonly string[]): Promise<ReadonlySet<ChannelName>> {
    const channels = names
      .map(parseChannelName)
      .filter((channel) => channel !== undefined)
      .filter((channel) => channel !== GATEWAY_METRICS || hasRole(principal, 'operator'));
    const isGiven = (channel: ChannelName) => BUILT_IN_CHANNELS.has(channel) || this.collectors.has(channel);
    const recorded = channels.filter((channel) => !isGiven(channel));
    return new Set([
      ...channels.filter(isGiven),
      ...(recorded.length > 0 ? await this.directory.existing(principal.tenant, recorded) : []),
    ]);
  }

  #encode(connection: Connection, compression: boolean | undefined): void {
    if (compression === undefined) return;
    const { encodings } = connection.transport;
    if (encodings) this.hub.reframe(connection, compression ? encodings.messagePack : encodings.json);
    else if (compression) throw new MetricastError('not_supported', { detail: 'compression' });
  }

  #positions({ principal, channels }: Connection): Record<ChannelName, Position> {
    return Object.fromEntries(
      channels.map((channel) => [channel, this.broker.position(principal.tenant, channel)]),
    ) as Record<ChannelName, Position>;
  }
}

function requireRoom({ memberships }: Connection, channels: readonly ChannelName[]): void {
  if (memberships.size + channels.filter((channel) => !memberships.has(channel)).length <= MAX_CHANNELS) return;
  throw new MetricastError('bad_subscription', { detail: `at most ${MAX_CHANNELS} channels a connection` });
}
