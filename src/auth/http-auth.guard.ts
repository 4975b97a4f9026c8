import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MetricastError, type Role } from '../protocol/index.js';
import { ClientAddresses, Origins, RequestBudget } from '../limits/index.js';
import { queryOf } from '../rest/index.js';
import { hasRole } from './authenticator.js';
import { Caller, introduce } from './caller.js';
import { bearerToken, tenantsIn } from './credentials.js';
import { Entrance } from './entrance.js';
import { isLocalRequest } from './local-request.js';
import { RevocationList } from './revocation-list.js';
import { LISTS_TENANTS, REQUIRED_ROLE } from './roles.decorator.js';

/** Lets a REST request pass whose caller has the role that its handler requires. */
@Injectable()
export class HttpAuthGuard implements CanActivate {
  constructor(
    private readonly entrance: Entrance,
    private readonly revocations: RevocationList,
    private readonly addresses: ClientAddresses,
    private readonly origins: Origins,
    private readonly budget: RequestBudget,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const handlers = [context.getHandler(), context.getClass()];
    const mayNameOthers = this.reflector.getAllAndOverride<boolean | undefined>(LISTS_TENANTS, handlers);
    const token = bearerToken(request.headers.authorization);
    await this.entrance.seekKey(token);
    const principal = this.entrance.admit(this.addresses.of(request), {
      token,
      tenants: tenantsIn(queryOf(request)),
      mayNameOthers,
      isLocal: isLocalRequest(request.headers),
    });
    const role = this.reflector.getAllAndOverride<Role>(REQUIRED_ROLE, handlers);
    this.origins.requireFor(principal.tenant, request.headers.origin);
    // What is recorded has limits of its own, by its size. A token of many tenants does not have as many budgets.
    if (role !== 'ingest') this.budget.take(`${principal.tenants[0]} ${principal.subject}`);
    if (!hasRole(principal, role)) throw new MetricastError('forbidden', { detail: `needs the role ${role}` });
    introduce(request, new Caller(principal, request.headers.origin, this.revocations, this.origins));
    return true;
  }
}
