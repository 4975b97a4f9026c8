export * from './answer.js';
export * from './json-body.js';
export * from './problem.filter.js';
