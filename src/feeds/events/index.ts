import { EventsRecorder } from './events.recorder.js';
import { EventsService } from './events.service.js';

export { type EventInput } from './event-item.js';
export { EventsService, type ExecutionCompletion, type ExecutionStart } from './events.service.js';

/** The events that a host publishes from its code. */
export const eventsFeed = {
  providers: [EventsRecorder, EventsService],
  exports: [EventsService],
};
