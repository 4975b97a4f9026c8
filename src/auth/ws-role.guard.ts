import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MetricastError, type Principal, type Role } from '../protocol/index.js';
import { hasRole } from './authenticator.js';
import { REQUIRED_ROLE } from './roles.decorator.js';

/** Lets a command pass whose connection belongs to a principal with the role that its handler requires. */
@Injectable()
export class WsRoleGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.getAllAndOverride<Role | undefined>(REQUIRED_ROLE, [
      context.getHandler(),
      context.getClass(),
    ]);
    const { principal } = context.switchToWs().getClient<{ principal: Principal }>();
    if (role !== undefined && !hasRole(principal, role)) {
      throw new MetricastError('forbidden', { detail: `needs the role ${role}` });
    }
    return true;
  }
}
