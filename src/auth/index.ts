import { Authenticator } from './authenticator.js';
import { Entrance } from './entrance.js';
import { HttpAuthGuard } from './http-auth.guard.js';
import { OpenMode } from './open-mode.js';
import { RevocationList } from './revocation-list.js';
import { Revocations } from './revocations.js';
import { TokenKeys } from './token-keys.js';
import { TokenVerifier } from './token-verifier.js';
import { WsRoleGuard } from './ws-role.guard.js';

export * from './algorithms.js';
export * from './auth.options.js';
export * from './authenticator.js';
export * from './caller.js';
export * from './credentials.js';
export * from './entrance.js';
export * from './http-auth.guard.js';
export * from './key-set.js';
export * from './local-request.js';
export * from './open-mode.js';
export * from './revocation-list.js';
export * from './revocation.entity.js';
export * from './revocations.js';
export * from './roles.decorator.js';
export * from './tenant-access.js';
export * from './token-claims.js';
export * from './token-keys.js';
export * from './token-verifier.js';
export * from './tokens.controller.js';
export * from './ws-role.guard.js';

/** Who somebody is, and what that allows them. */
export const authProviders = [
  TokenKeys,
  TokenVerifier,
  OpenMode,
  RevocationList,
  Revocations,
  Authenticator,
  Entrance,
  HttpAuthGuard,
  WsRoleGuard,
];
