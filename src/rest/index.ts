export * from './answer.js';
export * from './cors.js';
export * from './json-body.js';
export * from './page.js';
export * from './problem.filter.js';
export * from './read-dto.js';
export * from './request.js';
