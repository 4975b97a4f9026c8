export * from './answer.js';
export * from './json-body.js';
export * from './page.js';
export * from './problem.filter.js';
export * from './request.js';
