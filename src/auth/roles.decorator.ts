import { SetMetadata } from '@nestjs/common';
import type { Role } from '../protocol/index.js';

export const REQUIRED_ROLE = 'metricast:required-role';

/** The role that a controller or a handler asks of its caller; the guards check it. */
export function RequireRole(role: Role): MethodDecorator & ClassDecorator {
  return SetMetadata(REQUIRED_ROLE, role);
}

export const LISTS_TENANTS = 'metricast:lists-tenants';

/**
 * Lets an operator name any tenant in the query, whatever its token allows: the handler reads it with `listedTenants`,
 * which refuses what nobody else may name.
 */
export function ListsTenants(): MethodDecorator {
  return SetMetadata(LISTS_TENANTS, true);
}
