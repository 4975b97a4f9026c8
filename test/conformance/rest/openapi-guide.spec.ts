import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { CLI } from '../../support/cli-process.js';
import { OpenApi } from '../../support/openapi.js';
import { WireClient } from '../../support/wire-client.js';

/** What the guide says to type, but for the start of the server. */
const [serve, ...commands] = [...new OpenApi().document.info.description.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, command]) => command!,
);

/** Says an answer a line, and of a socket where it would be opened and what would be sent first. */
const SHELL = `
curl() { command curl -sS -w '\\n' "$@"; }
npx() { if [ "$1" = metricast ]; then shift; "$NODE" "$CLI" "$@"; else printf '%s\\n%s\\n' "$3" "\${5:-}"; fi }
`;

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());

it('who types what the document says has a tenant on a profile of 200 ms, and watches it', async () => {
  expect(serve).toContain('npx metricast serve');
  const script = (SHELL + commands.join('')).replaceAll('127.0.0.1:8000', `127.0.0.1:${app.port}`);
  const env = { PATH: process.env['PATH'], NODE: process.execPath, CLI, JWT_SECRET_KEY: SECRET };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env });
  const [profile, changed, shown, tools, _nothing, metrics, subscribe] = stdout.split('\n');

  expect(JSON.parse(profile!)).toMatchObject({ name: 'realtime', max_events_per_minute: 300 });
  for (const answer of [changed, shown]) {
    expect(JSON.parse(answer!)).toMatchObject({
      tenant_id: 'acme',
      effective: { collection_interval_seconds: 0.2, sources: { collection_interval_seconds: 'profile' } },
    });
  }
  const watcher = await WireClient.open(tools!);
  expect(await watcher.next()).toMatchObject({ type: 'connected', interval: 0.2 });
  for (let state = 0; state < 3; state++) await watcher.next({ type: 'metrics' });
  const subscriber = await WireClient.open(metrics!);
  subscriber.send(JSON.parse(subscribe!) as Record<string, unknown>);
  expect(await subscriber.find(({ channel }) => channel === 'system.metrics')).toHaveProperty('cpu');
  await Promise.all([watcher, subscriber].map((client) => client.close()));
});
