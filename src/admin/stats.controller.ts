import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole } from '../auth/index.js';
import { Hub, takeCensus } from '../hub/index.js';
import type { TenantId } from '../protocol/index.js';
import { Answer, ProblemFilter } from '../rest/index.js';

/** What this instance does, at a glance. */
@Controller({ path: 'admin/stats', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('operator')
export class StatsController {
  constructor(
    private readonly hub: Hub,
    private readonly answer: Answer,
  ) {}

  @Get()
  stats(@Req() request: object, @Res() response: object): void {
    const { connections, populations, audiences, subscriptions, queuedBytes, conflated } = takeCensus(this.hub);
    const { publications, frames, bytes } = this.hub.counts;
    const sum = (of: 'dialect' | 'transport') => sums(populations.map((one) => [one[of], one.count]));
    this.answer.show(request, response, {
      connected_clients: connections,
      subscriptions,
      audiences,
      uptime: process.uptime(),
      by_dialect: sum('dialect'),
      by_transport: sum('transport'),
      by_tenant: sums(this.#tenants().map((tenant) => [tenant, 1])),
      publications,
      frames,
      bytes,
      conflated,
      queued_bytes: queuedBytes,
    });
  }

  #tenants(): TenantId[] {
    return [...this.hub.connections.values()].map(({ principal }) => principal.tenant);
  }
}

/** How many there are of each name. */
function sums(counts: readonly (readonly [name: string, count: number])[]): Record<string, number> {
  const sum = new Map<string, number>();
  for (const [name, count] of counts) sum.set(name, (sum.get(name) ?? 0) + count);
  return Object.fromEntries([...sum].sort(([one], [other]) => (one < other ? -1 : 1)));
}
