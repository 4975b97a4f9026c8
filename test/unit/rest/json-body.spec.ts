import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Controller, type INestApplication, Post, Req, Res, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Answer, BODY_PATIENCE, JsonBody, ProblemFilter } from '../../../src/rest/index.js';
import type { Platform } from '../../support/app.js';

const work = new EventEmitter().setMaxListeners(50);

/** Is done with a body when the test says so. */
@Controller('slow')
@UseFilters(ProblemFilter)
class SlowController {
  constructor(
    private readonly body: JsonBody,
    private readonly answer: Answer,
  ) {
    body.claim('/slow');
  }

  @Post()
  async take(@Req() request: object, @Res() response: object): Promise<void> {
    const tenant = String((request as IncomingMessage).headers['x-tenant']);
    await this.body.use({ request, response, tenant }, async () => {
      work.emit('begun');
      await once(work, 'end');
      this.answer.send(response, 202, {});
    });
  }
}

class SlowModule {}
Reflect.defineMetadata('controllers', [SlowController], SlowModule);

const BIG = JSON.stringify({ pad: 'x'.repeat(5 * 1024 * 1024 - 100) });

describe.each<Platform>(['express', 'fastify'])('bodies on %s', (platform) => {
  let app: INestApplication;
  let waiting: Promise<Response>[];
  beforeEach(() => {
    waiting = [];
  });
  afterEach(() => app.close());

  const start = async (patience?: number) => {
    const providers = [Answer, JsonBody, ...(patience ? [{ provide: BODY_PATIENCE, useValue: patience }] : [])];
    Reflect.defineMetadata('providers', providers, SlowModule);
    app = await (platform === 'express'
      ? NestFactory.create(SlowModule, { logger: false })
      : NestFactory.create(SlowModule, new FastifyAdapter(), { logger: false }));
    await app.listen(0, '127.0.0.1');
  };
  const port = () => ((app.getHttpServer() as { address(): unknown }).address() as AddressInfo).port;
  const post = (tenant: string) =>
    fetch(`http://127.0.0.1:${port()}/slow`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant': tenant },
      body: BIG,
    });
  /** So many bodies are there, and their work is under way. */
  const begin = async (tenant: string, count: number) => {
    for (; count > 0; count--) {
      const begun = once(work, 'begun');
      waiting.push(post(tenant));
      await begun;
    }
  };
  const statuses = async () => (await Promise.all(waiting)).map(({ status }) => status);
  const expectBusy = async (refused: Response) => {
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'busy' });
  };
  /** A body that lacks its last ten bytes, on a connection that stays. */
  const stall = (tenant: string): Socket => {
    const socket = connect(port(), '127.0.0.1');
    const headers = `Host: x\r\nX-Tenant: ${tenant}\r\nContent-Type: application/json\r\nContent-Length: ${BIG.length}`;
    socket.write(`POST /slow HTTP/1.1\r\n${headers}\r\n\r\n${BIG.slice(0, -10)}`);
    return socket;
  };

  it('whose work is under way take up to 64 MiB together; more is busy until there is room', async () => {
    await start();
    for (const tenant of ['a', 'b', 'c', 'd']) await begin(tenant, 3);
    await expectBusy(await post('e'));

    work.emit('end');
    expect(await statuses()).toEqual(Array(12).fill(202));
    await begin('e', 1);
    work.emit('end');
    expect(await statuses()).toEqual(Array(13).fill(202));
  });

  it('of one tenant take up to a quarter of that, and leave the others theirs', async () => {
    await start();
    await begin('a', 3);
    await expectBusy(await post('a'));
    await begin('b', 1);

    work.emit('end');
    expect(await statuses()).toEqual([202, 202, 202, 202]);
    await begin('a', 3);
    work.emit('end');
    expect(await statuses()).toEqual(Array(7).fill(202));
  });

  it('that bring nothing any more are given up, with their connections and their room', async () => {
    await start(300);
    const stalled = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c', 'd', 'd', 'd'].map(stall);
    // A connection's text ends when the server has ended it.
    for (const answer of await Promise.all(stalled.map((socket) => text(socket)))) {
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toMatch(/^connection: close\r$/im);
      expect(answer).toContain('"message":"Invalid request: the body broke off"');
    }

    for (const tenant of ['a', 'b', 'c', 'd']) await begin(tenant, 3);
    work.emit('end');
    expect(await statuses()).toEqual(Array(12).fill(202));
  });
});
