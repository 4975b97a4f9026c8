import { Controller, Get, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { Answer } from './answer.js';
import { ProblemFilter } from './problem.filter.js';
import { ServedFile } from './served-file.js';

/** As far from here in the sources as in the build. */
const ASYNCAPI = new URL('../../docs/asyncapi.yaml', import.meta.url);

/** Serves what describes the protocol to machines. It is no secret: no token is asked for. */
@Controller({ path: 'docs', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class DocsController {
  readonly #asyncapi = new ServedFile(ASYNCAPI);

  constructor(private readonly answer: Answer) {}

  /** The WebSocket and SSE messages, as AsyncAPI. */
  @Get('asyncapi')
  async asyncapi(@Req() request: object, @Res() response: object): Promise<void> {
    this.answer.showText(request, response, await this.#asyncapi.text(), 'text/yaml; charset=utf-8');
  }
}
