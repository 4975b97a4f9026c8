import { CurrentStates } from './current-states.js';
import { EventSubscriptions } from './event-subscriptions.js';
import { LivenessService } from './liveness.service.js';
import { Reception } from './reception.js';
import { Subscriptions } from './subscriptions.js';

export * from './current-states.js';
export * from './event-subscriptions.js';
export * from './reception.js';
export * from './subscriptions.js';

/** What all transports share: how connections are opened, what they may ask for, and how they end. */
export const connectionProviders = [Reception, Subscriptions, EventSubscriptions, CurrentStates, LivenessService];
