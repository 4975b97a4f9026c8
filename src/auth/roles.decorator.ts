import { SetMetadata } from '@nestjs/common';
import type { Role } from '../protocol/index.js';

export const REQUIRED_ROLE = 'metricast:required-role';

/** The role that a controller or a handler asks of its caller; the guards check it. */
export function RequireRole(role: Role): MethodDecorator & ClassDecorator {
  return SetMetadata(REQUIRED_ROLE, role);
}

export const LISTS_TENANTS = 'metricast:lists-tenants';

/**
 * Leaves the tenant in the query to the handler, which reads it with `listedTenants`: an operator may name any, whatever
 * its token allows.
 */
export function ListsTenants(): MethodDecorator {
  return SetMetadata(LISTS_TENANTS, true);
}
