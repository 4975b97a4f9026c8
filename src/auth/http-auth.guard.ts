import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MetricastError, type Principal, type Role } from '../protocol/index.js';
import { Authenticator, hasRole } from './authenticator.js';
import { bearerToken, tenantsIn } from './credentials.js';
import { isLocalRequest } from './local-request.js';
import { REQUIRED_ROLE } from './roles.decorator.js';

const PRINCIPAL = Symbol('metricast.principal');

/** Lets a REST request pass whose caller has the role that its handler requires. */
@Injectable()
export class HttpAuthGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IncomingMessage & { [PRINCIPAL]?: Principal }>();
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const principal = this.authenticator.authenticate({
      token: bearerToken(request.headers.authorization),
      tenants: tenantsIn(searchParams),
      isLocal: isLocalRequest(request.headers),
    });
    const role = this.reflector.getAllAndOverride<Role>(REQUIRED_ROLE, [context.getHandler(), context.getClass()]);
    if (!hasRole(principal, role)) throw new MetricastError('forbidden', { detail: `needs the role ${role}` });
    request[PRINCIPAL] = principal;
    return true;
  }
}

/** Who the guard found the request to be from. */
export function principalOf(request: object): Principal {
  return (request as { [PRINCIPAL]: Principal })[PRINCIPAL];
}
