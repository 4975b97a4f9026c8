export * from './claim-ids.js';
export * from './column-types.js';
export * from './statement.js';
export * from './transactor.js';
export * from './write-queue.js';
export * from './channel-directory.js';
export * from './data-source-name.js';
export * from './series-store.js';
