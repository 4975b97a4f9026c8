import { EventEmitter, once } from 'node:events';
import { Controller, Post, Req, Res, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, test } from 'vitest';
import { Answer, JsonBody, ProblemFilter } from '../../../src/rest/index.js';

const work = new EventEmitter();

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
    await this.body.use(request, async () => {
      work.emit('begun');
      await once(work, 'end');
      this.answer.send(response, 202, {});
    });
  }
}

class SlowModule {}
Reflect.defineMetadata('controllers', [SlowController], SlowModule);
Reflect.defineMetadata('providers', [Answer, JsonBody], SlowModule);

test('bodies whose work is under way take up to 64 MiB together; more is refused as busy until there is room', async () => {
  work.setMaxListeners(50);
  const app = await NestFactory.create(SlowModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/slow`;
  const body = JSON.stringify({ pad: 'x'.repeat(5 * 1024 * 1024 - 100) });
  const post = () => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  const waiting: Promise<Response>[] = [];
  for (let count = 0; count < 12; count++) {
    const begun = once(work, 'begun');
    waiting.push(post());
    await begun;
  }
  const refused = await post();
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({ code: 'busy' });

  work.emit('end');
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(waiting.map(() => 202));
  const begun = once(work, 'begun');
  const next = post();
  await begun;
  work.emit('end');
  expect((await next).status).toBe(202);
  await app.close();
});
