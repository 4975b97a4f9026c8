export * from './address-room.js';
export * from './client-addresses.js';
export * from './failed-attempts.js';
export * from './limit.options.js';
export * from './origins.js';
export * from './request-budget.js';
export * from './trust-proxy.js';
