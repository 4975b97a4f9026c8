import type { IncomingMessage } from 'node:http';
import { Controller, Get, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { MetricastError } from '../protocol/index.js';
import { Answer } from './answer.js';
import { ASYNCAPI, type DocsFile, OPENAPI, PAGE_FILES } from './docs-files.js';
import { DOCS_POLICY, docsPage } from './docs-page.js';
import { ProblemFilter } from './problem.filter.js';
import { pathParameter } from './request.js';
import { ServedText } from './served-file.js';

/** Serves what describes the protocol, to people and to machines. It is no secret: no token is asked for. */
@Controller({ path: 'docs', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class DocsController {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly answer: Answer,
  ) {}

  /** The REST API as a page. */
  @Get()
  page(@Req() request: object, @Res() response: object): void {
    const { url = '' } = request as IncomingMessage;
    const isFolder = url.split('?', 1)[0]!.endsWith('/');
    // Instead of the host's, which is made for the host's own pages.
    this.host.httpAdapter.setHeader(response, 'Content-Security-Policy', DOCS_POLICY);
    this.#show(request, response, new ServedText(docsPage(isFolder ? '.' : 'docs')), 'text/html; charset=utf-8');
  }

  /** The REST API, as OpenAPI. */
  @Get('openapi.json')
  openapi(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#serve(request, response, OPENAPI);
  }

  /** The WebSocket and SSE messages, as AsyncAPI. */
  @Get('asyncapi')
  asyncapi(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#serve(request, response, ASYNCAPI);
  }

  /** What the page is made of. */
  @Get('ui/:file')
  async file(@Req() request: object, @Res() response: object): Promise<void> {
    const file = PAGE_FILES.get(pathParameter(request, 'file'));
    if (!file) throw new MetricastError('not_found');
    await this.#serve(request, response, file);
  }

  async #serve(request: object, response: object, { source, mediaType }: DocsFile): Promise<void> {
    this.#show(request, response, await source.read(), mediaType);
  }

  #show(request: object, response: object, { text, tag }: ServedText, mediaType: string): void {
    this.host.httpAdapter.setHeader(response, 'X-Content-Type-Options', 'nosniff');
    this.answer.showText(request, response, text, mediaType, tag);
  }
}
