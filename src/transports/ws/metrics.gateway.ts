import { Inject, UseFilters, UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RequireRole, WsRoleGuard, hasRole } from '../../auth/index.js';
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
  type Reply,
  parseChannelName,
} from '../../protocol/index.js';
import { ChannelDirectory } from '../../store/index.js';
import { DialectErrorFilter } from './dialect-error.filter.js';
import { jsonFraming, messagePackFraming } from './framing.js';
import { GATEWAY_PATH } from './gateway-path.js';

/** What a client can ask for, whatever its dialect: a handler a command. Paths and dialects are configuration. */
@WebSocketGateway({ path: GATEWAY_PATH })
@UseGuards(WsRoleGuard)
@UseFilters(DialectErrorFilter)
export class MetricsGateway {
  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly directory: ChannelDirectory,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  @SubscribeMessage('subscribe')
  @RequireRole('viewer')
  async subscribe(
    @ConnectedSocket() connection: Connection,
    @MessageBody() command: CommandOf<'subscribe'>,
  ): Promise<void> {
    const names = [...new Set(command.channels)];
    const exists = await this.#channelsAmong(connection, names);
    for (const name of names.filter((one) => !exists.has(one as ChannelName))) {
      this.#reply(connection, { type: 'error', error: unknownChannel(name), id: command.id });
    }
    const known = [...exists];
    requireRoom(connection, known);
    if (command.compression !== undefined) {
      this.hub.reframe(connection, command.compression ? messagePackFraming : jsonFraming);
    }
    if (command.replace) {
      const others = connection.channels.filter((channel) => !exists.has(channel));
      this.hub.unsubscribe(connection, others);
    }
    const { filter, format } = command;
    for (const channel of known) this.hub.subscribe(connection, { channel, filter, format });
    const { channels } = connection;
    this.#reply(connection, { type: 'subscribed', command, channels, positions: this.#positions(connection) });
  }

  @SubscribeMessage('unsubscribe')
  unsubscribe(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'unsubscribe'>): void {
    this.hub.unsubscribe(
      connection,
      command.channels?.map((name) => name as ChannelName),
    );
    this.#reply(connection, { type: 'unsubscribed', command, channels: connection.channels });
  }

  @SubscribeMessage('ping')
  ping(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'ping'>): void {
    this.#reply(connection, { type: 'pong', command });
  }

  /** Those of the names that are channels which exist for this connection. */
  async #channelsAmong({ principal }: Connection, names: readonly string[]): Promise<ReadonlySet<ChannelName>> {
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

  #positions({ principal, channels }: Connection): Record<ChannelName, Position> {
    return Object.fromEntries(
      channels.map((channel) => [channel, this.broker.position(principal.tenant, channel)]),
    ) as Record<ChannelName, Position>;
  }

  #reply(connection: Connection, reply: Reply): void {
    const { dialect } = connection;
    const now = Date.now();
    const message =
      reply.type === 'error' ? dialect.renderError(reply.error, now, reply.id) : dialect.renderReply(reply, now);
    this.hub.send(connection, message);
  }
}

function unknownChannel(name: string): MetricastError {
  return new MetricastError('unknown_channel', { channel: parseChannelName(name) });
}

function requireRoom({ memberships }: Connection, channels: readonly ChannelName[]): void {
  if (memberships.size + channels.filter((channel) => !memberships.has(channel)).length <= MAX_CHANNELS) return;
  throw new MetricastError('bad_subscription', { detail: `at most ${MAX_CHANNELS} channels a connection` });
}
