import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, ListsTenants, RequireRole, listedTenants } from '../auth/index.js';
import { isoTimestamp } from '../protocol/index.js';
import { Answer, ProblemFilter, pageOf, readPageRequest } from '../rest/index.js';
import type { AuditEntry } from '../store/audit-entry.entity.js';
import { AuditQueries, isAuditKey, keyOfEntry } from './audit.queries.js';

/** Who has changed what: of its own tenants for an administrator, of all there is for an operator. */
@Controller({ path: 'admin/audit', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('admin')
export class AuditController {
  constructor(
    private readonly queries: AuditQueries,
    private readonly answer: Answer,
  ) {}

  @Get()
  @ListsTenants()
  async list(@Req() request: object, @Res() response: object): Promise<void> {
    const page = readPageRequest(request, isAuditKey);
    const entries = await this.queries.list(listedTenants(request), page);
    this.answer.show(request, response, pageOf(entries, page.limit, auditItem, keyOfEntry));
  }
}

function auditItem({ at, actor, tenantId, action, before, after }: AuditEntry) {
  return { at: isoTimestamp(at), actor, tenant_id: tenantId, action, before, after };
}
