export * from './fields.js';
export * from './metrics.recorder.js';
export * from './recorder.js';
export * from './ingest-controller.js';
export * from './totals.js';
