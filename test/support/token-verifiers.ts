import { SchedulerRegistry } from '@nestjs/schedule';
import { type AuthOptions, TokenKeys, TokenVerifier } from '../../src/auth/index.js';
import { Scheduler } from '../../src/scheduler/index.js';

/** What checks tokens by these options, with the one key that they hold. */
export function verifierWith(options: AuthOptions): TokenVerifier {
  return new TokenVerifier(options, new TokenKeys(options, new Scheduler(new SchedulerRegistry())));
}
