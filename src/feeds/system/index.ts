import { LocalMachine } from './local-machine.js';
import { MACHINE } from './machine.js';
import { SystemReader } from './system-reader.js';
import { SystemFeed } from './system.feed.js';

export { EventLoopLag, type Lag } from './event-loop-lag.js';

/** The feed of `system.metrics`. */
export const systemFeed = {
  providers: [SystemFeed, SystemReader, { provide: MACHINE, useClass: LocalMachine }],
};
