import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Controller, Get, Inject, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { bearerToken } from '../auth/index.js';
import { MetricastError } from '../protocol/index.js';
import { Answer, ProblemFilter } from '../rest/index.js';
import { ServiceMetrics } from './service-metrics.js';

export interface MetricsEndpointOptions {
  /** What has to be sent as `Authorization: Bearer …`; absent: everybody may read. */
  readonly token: string | undefined;
}

export const METRICS_ENDPOINT_OPTIONS = Symbol('metricast.metrics-endpoint-options');

/** The service's own figures, for Prometheus. They name no tenant, no channel and nobody. */
@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class MetricsController {
  constructor(
    private readonly metrics: ServiceMetrics,
    private readonly answer: Answer,
    @Inject(METRICS_ENDPOINT_OPTIONS) private readonly options: MetricsEndpointOptions,
  ) {}

  @Get()
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    const { authorization } = (request as IncomingMessage).headers;
    const { token } = this.options;
    if (token !== undefined && !isSame(bearerToken(authorization) ?? '', token)) {
      throw new MetricastError('unauthenticated');
    }
    this.answer.showText(request, response, await this.metrics.text(), this.metrics.mediaType);
  }
}

/** Takes as long however much of it is right. Digests, because only texts of one length can be compared like that. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
