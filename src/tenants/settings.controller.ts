import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, tenantInPath } from '../auth/index.js';
import { Answer, ProblemFilter } from '../rest/index.js';
import { TenantRegistry } from './tenant-registry.js';
import { Tenants } from './tenants.js';
import { settingsView } from './views.js';

/** What applies to a tenant, for everybody who may read there. */
@Controller({ path: 'settings/:tenantId', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('viewer')
export class SettingsController {
  constructor(
    private readonly registry: TenantRegistry,
    private readonly tenants: Tenants,
    private readonly answer: Answer,
  ) {}

  @Get()
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    const tenant = tenantInPath(request);
    const stored = await this.registry.see(tenant);
    this.answer.show(request, response, settingsView(stored, this.tenants.effective(tenant)));
  }
}
