// The gateway that a Nest application usually has, with the adapter for plain WebSockets: a token verified when a client
// comes, a handler that notes what it wants, and a loop over all clients.
import 'reflect-metadata';
import type { IncomingMessage } from 'node:http';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Server, WebSocket } from 'ws';

interface Client extends WebSocket {
  principal?: object;
  channels?: ReadonlySet<string>;
}

@WebSocketGateway()
class MetricsGateway implements OnGatewayConnection {
  @WebSocketServer() readonly server!: Server;

  constructor(private readonly jwt: JwtService) {}

  handleConnection(client: Client, request: IncomingMessage): void {
    try {
      client.principal = this.jwt.verify<object>(request.headers.authorization!.slice('Bearer '.length));
    } catch {
      client.close(4401);
    }
  }

  @SubscribeMessage('subscribe')
  subscribe(@ConnectedSocket() client: Client, @MessageBody() { channels }: { channels: string[] }) {
    client.channels = new Set(channels);
    return { event: 'subscribed', data: { channels } };
  }
}

@Controller()
class PublishController {
  constructor(private readonly gateway: MetricsGateway) {}

  @Post()
  publish(@Body() message: object): void {
    for (const client of this.gateway.server.clients) client.send(JSON.stringify(message));
  }
}

@Module({
  imports: [JwtModule.register({ secret: process.env['JWT_SECRET_KEY'], verifyOptions: { algorithms: ['HS256'] } })],
  controllers: [PublishController],
  providers: [MetricsGateway],
})
class MetricsModule {}

const app = await NestFactory.create(MetricsModule, { logger: ['error'] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(Number(process.env['PORT']), '127.0.0.1');
process.stdout.write(`${await app.getUrl()}\n`);
