export * from './broker.js';
export * from './memory.broker.js';
