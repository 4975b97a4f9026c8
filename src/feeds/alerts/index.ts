import { ingestController } from '../../recording/index.js';
import { AlertsRecorder } from './alerts.recorder.js';

export { type AlertInput, AlertsRecorder } from './alerts.recorder.js';

/** What comes on `alerts.events`. Alerts are events, and have no table of their own. */
export const alertsFeed = {
  providers: [AlertsRecorder],
  controllers: [ingestController('alerts', AlertsRecorder)],
  exports: [AlertsRecorder],
};
