import type { Server } from 'node:http';
import type { INestApplication, Type } from '@nestjs/common';
import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { announce } from './publishing.js';

/** What a gateway or a stream of this bench does with a message. */
export interface Publisher {
  publish(message: unknown): void;
}

export const PUBLISHER = Symbol('publisher');

/** Takes `POST /publish`, as the other servers do. */
@Controller('publish')
export class PublishController {
  constructor(@Inject(PUBLISHER) private readonly publisher: Publisher) {}

  @Post()
  @HttpCode(204)
  publish(@Body() messages: unknown[]): void {
    for (const message of messages) this.publisher.publish(message);
  }
}

/** Starts the application, and says where it listens. */
export async function serve(module: Type, configure?: (app: INestApplication) => void): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error', 'warn'] });
  configure?.(app);
  await app.listen(Number(process.env['PORT']), '127.0.0.1');
  announce(app.getHttpServer() as Server);
}
