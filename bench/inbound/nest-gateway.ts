// How a Nest application usually answers a message: a handler of a gateway, with the adapter for plain WebSockets.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
class PingGateway {
  @SubscribeMessage('ping')
  ping() {
    return { event: 'pong', data: { timestamp: Date.now() / 1000 } };
  }
}

@Module({ providers: [PingGateway] })
class PingModule {}

const app = await NestFactory.create(PingModule, { logger: ['error'] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(Number(process.env['PORT']), '127.0.0.1');
process.stdout.write(`${await app.getUrl()}\n`);
