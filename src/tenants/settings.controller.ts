import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole } from '../auth/index.js';
import { ProblemFilter } from '../rest/index.js';
import { SettingsAnswer } from './settings-answer.js';

/** What applies to a tenant, for everybody who may read there. */
@Controller({ path: 'settings/:tenantId', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('viewer')
export class SettingsController {
  constructor(private readonly settings: SettingsAnswer) {}

  @Get()
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    await this.settings.show(request, response);
  }
}
