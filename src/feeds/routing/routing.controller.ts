import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../../auth/index.js';
import { MetricsService } from '../../metrics/index.js';
import { MetricastError, ROUTING_METRICS, isoTimestamp } from '../../protocol/index.js';
import { Answer, ProblemFilter } from '../../rest/index.js';

/** The state of `routing.metrics` as clients of the `routing` dialect are sent it, for who would rather ask. */
@Controller({ path: 'routing', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('viewer')
export class RoutingController {
  constructor(
    private readonly metrics: MetricsService,
    private readonly answer: Answer,
  ) {}

  @Get('metrics')
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    const { tenant, filter } = principalOf(request);
    const state = await this.metrics.current(tenant, ROUTING_METRICS, filter);
    if (!state) throw new MetricastError('not_found');
    this.answer.show(request, response, { ...state.data, timestamp: isoTimestamp(state.timestamp) });
  }
}
