import { Attendance } from './attendance.js';
import { CurrentStates } from './current-states.js';
import { Doorway } from './doorway.js';
import { EventSubscriptions } from './event-subscriptions.js';
import { LivenessService } from './liveness.service.js';
import { Reception } from './reception.js';
import { RevokedConnections } from './revoked-connections.js';
import { SettingsNotices } from './settings-notices.js';
import { Subscriptions } from './subscriptions.js';
import { TokenRefresh } from './token-refresh.js';

export * from './attendance.js';
export * from './current-states.js';
export * from './doorway.js';
export * from './event-subscriptions.js';
export * from './reception.js';
export * from './subscriptions.js';
export * from './token-refresh.js';

/** What all transports share: how connections are opened, what they may ask for, and how they end. */
export const connectionProviders = [
  Attendance,
  Doorway,
  Reception,
  Subscriptions,
  EventSubscriptions,
  CurrentStates,
  LivenessService,
  SettingsNotices,
  TokenRefresh,
  RevokedConnections,
];
