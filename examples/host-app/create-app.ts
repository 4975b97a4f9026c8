import { type INestApplication, type NestApplicationOptions, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { EnvelopeInterceptor } from './house-rules/envelope.interceptor.js';
import type { Settings } from './settings.js';

export type Platform = 'express' | 'fastify';

/** The whole application, with the rules that hold for all of its routes and events; it does not listen yet. */
export async function createApp(
  platform: Platform,
  settings: Settings,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const module = AppModule.with(settings);
  const app =
    platform === 'fastify'
      ? await NestFactory.create(module, new FastifyAdapter(), options)
      : await NestFactory.create(module, options);
  app.setGlobalPrefix('api');
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
  app.useGlobalInterceptors(new EnvelopeInterceptor());
  return app;
}
