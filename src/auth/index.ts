export * from './auth.options.js';
export * from './authenticator.js';
export * from './credentials.js';
export * from './http-auth.guard.js';
export * from './open-mode.js';
export * from './roles.decorator.js';
export * from './token-verifier.js';
export * from './ws-role.guard.js';
