import { Injectable } from '@nestjs/common';
import { principalOf, tenantInPath } from '../auth/index.js';
import type { TenantId } from '../protocol/index.js';
import { Answer } from '../rest/index.js';
import { TenantRegistry } from './tenant-registry.js';
import { Tenants } from './tenants.js';
import { settingsView } from './views.js';

/** Answers with what applies to a tenant. */
@Injectable()
export class SettingsAnswer {
  constructor(
    private readonly registry: TenantRegistry,
    private readonly tenants: Tenants,
    private readonly answer: Answer,
  ) {}

  /** Of the tenant in the path. It is seen by those whose token names it: a name that an operator mistypes is no tenant. */
  async show(request: object, response: object): Promise<void> {
    const tenant = tenantInPath(request);
    const isNamed = principalOf(request).tenants.includes(tenant);
    await (isNamed ? this.registry.see(tenant) : this.registry.find(tenant));
    this.answer.show(request, response, this.viewOf(tenant));
  }

  viewOf(tenant: TenantId): ReturnType<typeof settingsView> {
    return settingsView(tenant, this.tenants.effective(tenant), this.tenants.stored(tenant));
  }
}
