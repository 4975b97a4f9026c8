import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Injectable, Logger, StreamableFile } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { describeThrown } from '../protocol/index.js';
import { entityTagOf, namesTag } from './entity-tag.js';
import { pathOf } from './request.js';

/**
 * Sends what a handler has to say, from within the handler. What a handler returns is shown to the host's global
 * interceptors first, and many wrap it: `{"data": …}`. They were written for the host's routes; ours answer as
 * documented wherever they are mounted.
 */
@Injectable()
export class Answer {
  readonly #logger = new Logger(Answer.name);

  constructor(private readonly host: HttpAdapterHost) {}

  /** @param response the platform's, as a handler gets it by `@Res()`, which tells Nest not to answer by itself. */
  send(response: object, status: number, body: object): void {
    this.host.httpAdapter.reply(response, body, status);
  }

  /** Says that it was done, where there is nothing to show for it. */
  done(response: object): void {
    this.host.httpAdapter.reply(response, undefined, 204);
  }

  /** Answers a POST with what it made, which stands below the path that this was sent to, by its name. */
  created(request: object, response: object, name: string, body: object): void {
    this.host.httpAdapter.setHeader(response, 'Location', `${pathOf(request)}/${encodeURIComponent(name)}`);
    this.send(response, 201, body);
  }

  /** Answers a GET with what there is to read, or with 304 where the client has just that already. */
  show(request: object, response: object, body: object): void {
    this.showText(request, response, JSON.stringify(body), 'application/json; charset=utf-8');
  }

  /** {@link show} for a text of any media type. */
  showText(request: object, response: object, text: string, mediaType: string, tag = entityTagOf(text)): void {
    const { httpAdapter } = this.host;
    httpAdapter.setHeader(response, 'ETag', tag);
    // It may be kept, by who asked for it alone, and is asked for again each time: with the tag, that costs little.
    this.#keepPrivate(response, 'no-cache');
    if (namesTag((request as IncomingMessage).headers['if-none-match'], tag)) {
      httpAdapter.reply(response, undefined, 304);
      return;
    }
    httpAdapter.setHeader(response, 'Content-Type', mediaType);
    httpAdapter.reply(response, text, 200);
  }

  /**
   * Answers a GET with JSON that is made as it is sent, and no faster than the client reads. The first piece should have been
   * made already: where a later one cannot be, all that is left is to break off.
   */
  stream(response: object, pieces: AsyncIterable<string>): void {
    const { httpAdapter } = this.host;
    this.#keepPrivate(response, 'no-store');
    httpAdapter.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
    const body = new StreamableFile(Readable.from(pieces, { highWaterMark: 1 }));
    body.setErrorLogger((error) => this.#logger.error(`An answer was broken off: ${describeThrown(error)}`));
    httpAdapter.reply(response, body, 200);
  }

  #keepPrivate(response: object, caching: 'no-cache' | 'no-store'): void {
    this.host.httpAdapter.setHeader(response, 'Cache-Control', `private, ${caching}`);
    // Beside whatever the host says there, of `Origin` for one.
    this.host.httpAdapter.appendHeader(response, 'Vary', 'Authorization');
  }
}
