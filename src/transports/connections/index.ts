import { Attendance } from './attendance.js';
import { Backfill } from './backfill.js';
import { ChannelHistory } from './channel-history.js';
import { CurrentStates } from './current-states.js';
import { Doorway } from './doorway.js';
import { EventSubscriptions } from './event-subscriptions.js';
import { LivenessService } from './liveness.service.js';
import { PastSender } from './past-sender.js';
import { Reception } from './reception.js';
import { Resumption } from './resumption.js';
import { RevokedConnections } from './revoked-connections.js';
import { SettingsNotices } from './settings-notices.js';
import { Snapshots } from './snapshots.js';
import { Subscriptions } from './subscriptions.js';
import { TokenRefresh } from './token-refresh.js';

export * from './attendance.js';
export * from './backfill.js';
export * from './channel-history.js';
export * from './current-states.js';
export * from './doorway.js';
export * from './event-subscriptions.js';
export * from './past-sender.js';
export * from './reception.js';
export * from './resumption.js';
export * from './snapshots.js';
export * from './subscriptions.js';
export * from './token-refresh.js';

/** What all transports share: how connections are opened, what they may ask for, and how they end. */
export const connectionProviders = [
  Attendance,
  ChannelHistory,
  Doorway,
  Reception,
  Subscriptions,
  Resumption,
  Snapshots,
  Backfill,
  PastSender,
  EventSubscriptions,
  CurrentStates,
  LivenessService,
  SettingsNotices,
  TokenRefresh,
  RevokedConnections,
];
