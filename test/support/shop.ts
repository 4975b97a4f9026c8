import { createApp } from '../../examples/host-app/create-app.js';
import { Settings } from '../../examples/host-app/settings.js';
import { type Platform } from './app.js';
import { QUIET, RunningHost, type Scratch } from './host.js';

/** An order that the example host takes. */
export const TEA = { shop: 'local', item: 'tea', amount: 4.5 };

/** The example host, on databases of its own by this name. */
export async function startShop(platform: Platform, scratch: Scratch, name = 'shop'): Promise<RunningHost> {
  const settings = new Settings({
    shopDatabase: scratch.file(`${name}.db`),
    metricsDatabase: `sqlite:${scratch.file(`${name}-metrics.db`)}`,
    jwtSecret: undefined,
  });
  return RunningHost.listen(await createApp(platform, settings, QUIET));
}
