// The usual gateway on @nestjs/platform-socket.io. Its heartbeat is long, because the load generator answers none.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';
import { PUBLISHER, PublishController, type Publisher, serve } from './nest-publishing.js';

const HOUR_MILLIS = 3_600_000;

@WebSocketGateway({ pingInterval: HOUR_MILLIS, serveClient: false })
class MetricsGateway implements Publisher {
  @WebSocketServer()
  readonly server!: Server;

  publish(message: unknown): void {
    this.server.emit('metrics', message);
  }
}

@Module({
  controllers: [PublishController],
  providers: [MetricsGateway, { provide: PUBLISHER, useExisting: MetricsGateway }],
})
class AppModule {}

await serve(AppModule);
