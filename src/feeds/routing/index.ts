import { ingestController } from '../../recording/index.js';
import { DecisionBucket } from './decision-bucket.entity.js';
import { DecisionName } from './decision-name.entity.js';
import { DecisionNames } from './decision-names.js';
import { Decision } from './decision.entity.js';
import { DecisionsRecorder } from './decisions.recorder.js';
import { RoutingController } from './routing.controller.js';
import { RoutingFeed } from './routing.feed.js';

export { type DecisionInput, DecisionsRecorder } from './decisions.recorder.js';

/** The feed of `routing.metrics`. */
export const routingFeed = {
  entities: [Decision, DecisionBucket, DecisionName],
  logs: [{ table: 'metricast_decision', number: 'decision_id', at: 'decided_at' }],
  providers: [DecisionNames, DecisionsRecorder, RoutingFeed],
  controllers: [ingestController('decisions', DecisionsRecorder), RoutingController],
  exports: [DecisionsRecorder],
};
