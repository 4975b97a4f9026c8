import { UseFilters, UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RequireRole, WsRoleGuard } from '../../auth/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import type { CommandOf } from '../../protocol/index.js';
import {
  Attendance,
  ChannelHistory,
  CurrentStates,
  EventSubscriptions,
  Subscriptions,
  TokenRefresh,
} from '../connections/index.js';
import { DialectErrorFilter } from './dialect-error.filter.js';
import { GATEWAY_PATH } from './gateway-path.js';

/** What a client can ask for, whatever its dialect: a handler a command. Paths and dialects are configuration. */
@WebSocketGateway({ path: GATEWAY_PATH })
@UseGuards(WsRoleGuard)
@UseFilters(DialectErrorFilter)
export class MetricsGateway {
  constructor(
    private readonly hub: Hub,
    private readonly subscriptions: Subscriptions,
    private readonly eventSubscriptions: EventSubscriptions,
    private readonly states: CurrentStates,
    private readonly attendance: Attendance,
    private readonly history: ChannelHistory,
    private readonly tokenRefresh: TokenRefresh,
  ) {}

  @SubscribeMessage('subscribe')
  @RequireRole('viewer')
  subscribe(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'subscribe'>): Promise<void> {
    return this.subscriptions.subscribe(connection, command);
  }

  @SubscribeMessage('unsubscribe')
  unsubscribe(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'unsubscribe'>): void {
    this.subscriptions.unsubscribe(connection, command);
  }

  @SubscribeMessage('watch_events')
  @RequireRole('viewer')
  watchEvents(
    @ConnectedSocket() connection: Connection,
    @MessageBody() command: CommandOf<'watch_events'>,
  ): Promise<void> {
    return this.eventSubscriptions.watch(connection, command);
  }

  @SubscribeMessage('unwatch_events')
  unwatchEvents(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'unwatch_events'>): void {
    this.eventSubscriptions.unwatch(connection, command);
  }

  @SubscribeMessage('request_state')
  @RequireRole('viewer')
  requestState(
    @ConnectedSocket() connection: Connection,
    @MessageBody() command: CommandOf<'request_state'>,
  ): Promise<void> {
    return this.states.answer(connection, command);
  }

  @SubscribeMessage('presence')
  @RequireRole('viewer')
  presence(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'presence'>): Promise<void> {
    return this.attendance.answer(connection, command);
  }

  @SubscribeMessage('get_history')
  @RequireRole('viewer')
  getHistory(
    @ConnectedSocket() connection: Connection,
    @MessageBody() command: CommandOf<'get_history'>,
  ): Promise<void> {
    return this.history.answer(connection, command);
  }

  @SubscribeMessage('refresh')
  refresh(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'refresh'>): Promise<void> {
    return this.tokenRefresh.refresh(connection, command);
  }

  @SubscribeMessage('ping')
  ping(@ConnectedSocket() connection: Connection, @MessageBody() command: CommandOf<'ping'>): void {
    this.hub.reply(connection, { type: 'pong', command });
  }
}
