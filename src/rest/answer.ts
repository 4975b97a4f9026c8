import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/**
 * Sends what a handler has to say, from within the handler. What a handler returns is shown to the host's global
 * interceptors first, and many wrap it: `{"data": …}`. They were written for the host's routes; ours answer as
 * documented wherever they are mounted.
 */
@Injectable()
export class Answer {
  constructor(private readonly host: HttpAdapterHost) {}

  /** @param response the platform's, as a handler gets it by `@Res()`, which tells Nest not to answer by itself. */
  send(response: object, status: number, body: object): void {
    this.host.httpAdapter.reply(response, body, status);
  }
}
