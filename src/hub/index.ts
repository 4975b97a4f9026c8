export * from './connection.js';
export * from './hub.js';
export * from './inbound-budget.js';
export * from './liveness.js';
export * from './ports.js';
