export * from './collect-metrics.decorator.js';
export * from './collectors.js';
export * from './metrics.service.js';
export * from './state-cache.js';
export * from './state-recorder.js';
export * from './window-messages.js';
export * from './windows.service.js';
