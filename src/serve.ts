import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { type Environment, LOG_LEVELS, readEnvironment } from './environment.js';
import { DEFAULT_ENDPOINTS } from './metricast.options.js';

/**
 * Runs the standalone server until it is told to stop.
 *
 * @throws `EnvironmentError` where a variable is wrong; whatever keeps the server from listening.
 */
export async function serve(variables: Readonly<Record<string, string | undefined>>): Promise<INestApplication> {
  const environment = readEnvironment(variables);
  const logLevels = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(environment.logLevel) + 1);
  const app = await NestFactory.create(AppModule.with(environment.metricast), {
    logger: new ConsoleLogger({ json: !process.stdout.isTTY, logLevels: [...logLevels] }),
    // What keeps it from starting is one line, said by whoever called this.
    abortOnError: false,
  });
  app.enableShutdownHooks();
  await app.listen(environment.port, environment.host);
  process.stdout.write(welcome(environment, (app.getHttpServer() as Server).address() as AddressInfo));
  return app;
}

function welcome({ metricast }: Environment, { address, port, family }: AddressInfo): string {
  const host = `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  const endpoints = Object.entries(metricast.endpoints ?? DEFAULT_ENDPOINTS);
  const skills = endpoints.find(([, dialect]) => dialect === 'skills') ?? endpoints[0]!;
  const needsToken = metricast.auth?.secret !== undefined || metricast.auth?.publicKey !== undefined;
  return [
    '',
    `Metricast is up.`,
    `  health   http://${host}/health`,
    ...endpoints.map(([path, dialect]) => `  ${dialect.padEnd(8)} ws://${host}${path}`),
    '',
    'Watch it:',
    `  npx wscat -c "ws://${host}${skills[0]}${needsToken ? '?token=…' : ''}"`,
    '',
    '',
  ].join('\n');
}
