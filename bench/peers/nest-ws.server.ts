// The usual gateway on @nestjs/platform-ws: every client is sent its own text of each message.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { WebSocket, type WebSocketServer as Server } from 'ws';
import { PUBLISHER, PublishController, type Publisher, serve } from './nest-publishing.js';

@WebSocketGateway()
class MetricsGateway implements Publisher {
  @WebSocketServer()
  readonly server!: Server;

  publish(message: unknown): void {
    for (const client of this.server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(JSON.stringify(message));
    }
  }
}

@Module({
  controllers: [PublishController],
  providers: [MetricsGateway, { provide: PUBLISHER, useExisting: MetricsGateway }],
})
class AppModule {}

await serve(AppModule, (app) => app.useWebSocketAdapter(new WsAdapter(app)));
