import { SetMetadata } from '@nestjs/common';
import type { Role } from '../protocol/index.js';

export const REQUIRED_ROLE = 'metricast:required-role';

/** The role that a controller or a handler asks of its caller; the guards check it. */
export function RequireRole(role: Role): MethodDecorator & ClassDecorator {
  return SetMetadata(REQUIRED_ROLE, role);
}
