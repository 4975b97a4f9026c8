export * from './renewal.js';
export * from './scheduler.js';
