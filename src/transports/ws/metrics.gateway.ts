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
  MetricastError,
  type Position,
  type Reply,
  parseChannelName,
} from '../../protocol/index.js';
import { ChannelDirectory } from '../../store/index.js';
import { DialectErrorFilter } from './dialect-error.filter.js';
import { jsonFraming, messagePackFraming } from './framing.js';
import { GATEWAY_PATH } from './gateway-path.js';

const MAX_CHANNELS = 128;

/** What a client can ask for, whatever its dialect: a handler a command. Paths and dialects are configuration. */
@WebSocketGateway({ path: GATEWAY_PATH })
@UseGuards(WsRoleGuard)
@UseFilters(DialectErrorFilter)
@RequireRole('viewer')
export class MetricsGateway {
  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly directory: ChannelDirectory,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  @SubscribeMessage('subscribe')
  async subscribe(
    @ConnectedSocket() connection: Connection,
    @MessageBody() command: CommandOf<'subscribe'>,
  ): Promise<void> {
    const known: ChannelName[] = [];
    for (const name of new Set(command.channels)) {
      const channel = await this.#knownChannel(connection, name);
      if (channel) known.push(channel);
      else this.#reply(connection, { type: 'error', error: unknownChannel(name), id: command.id });
    }
    requireRoom(connection, known);
    if (command.compression !== undefined) {
      this.hub.reframe(connection, command.compression ? messagePackFraming : jsonFraming);
    }
    if (command.replace)
      this.hub.unsubscribe(
        connection,
        connection.channels.filter((old) => !known.includes(old)),
      );
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

  /** The name as a channel that exists for this connection. */
  async #knownChannel({ principal }: Connection, name: string): Promise<ChannelName | undefined> {
    const channel = parseChannelName(name);
    if (!channel) return undefined;
    if (channel === GATEWAY_METRICS && !hasRole(principal, 'operator')) return undefined;
    if (BUILT_IN_CHANNELS.has(channel) || this.collectors.has(channel)) return channel;
    return (await this.directory.has(principal.tenant, channel)) ? channel : undefined;
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
