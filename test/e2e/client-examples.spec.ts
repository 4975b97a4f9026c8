import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../support/app.js';
import { ClosingServer } from '../support/closing-server.js';
import { ExampleClient, exampleFile } from '../support/example-client.js';
import { pythonPath } from '../support/python.js';

/** The first to ask for Python may have to install it. */
const INSTALLING = 300_000;
const PATIENCE = { timeout: 60_000 };

/** By dialect: the path, and what is printed there, one after the other. JSON has no spaces from JavaScript, and some from Python. */
const DIALECTS: Record<string, { path: string; printed: RegExp[] }> = {
  channels: { path: '/ws/metrics', printed: [/"type": ?"welcome"/, /"channel": ?"system.metrics".*"cpu"/] },
  skills: { path: '/ws/skills', printed: [/"type": ?"connected"/, /pytest-run: 1 runs, 100(\.0)? % completed/] },
  tools: { path: '/ws/tools', printed: [/"type": ?"connected"/, /compression \(healthy\): {"total_compressions": ?0/] },
  routing: { path: '/ws/routing', printed: [/ 0 decisions, confidence/] },
  workspace: { path: '/ws', printed: [/^connected .*"connection_id"/m, /^metrics_update .*"total_executions"/m] },
};
const PROGRAMS = Object.entries(DIALECTS).flatMap(([dialect, { path, printed }]) =>
  [`node/${dialect}.mjs`, `python/${dialect}.py`].map((file): [file: string, path: string, printed: RegExp[]] => [
    file,
    path,
    printed,
  ]),
);

let app: TestApp;
let python: string;

beforeAll(async () => {
  python = await pythonPath();
  app = await TestApp.start({ auth: { secret: SECRET } });
  const headers = { authorization: `Bearer ${tokenWith()}` };
  await app.post('/ingest/skills', { skill_name: 'pytest-run', completed: true }, headers);
}, INSTALLING);

afterAll(() => app.close());

/** Runs it on that URL, until the test is over. */
function start(file: string, url: string, token = tokenWith()): ExampleClient {
  const interpreter = file.endsWith('.py') ? python : process.execPath;
  const client = ExampleClient.start(interpreter, file, [url], { METRICAST_TOKEN: token });
  onTestFinished(() => client.stop());
  return client;
}

it.each(PROGRAMS)('%s prints what it is sent', PATIENCE, async (file, path, printed) => {
  const client = start(file, app.url(path, 'ws'));

  for (const message of printed) await client.printed(message);
});

it.each(PROGRAMS)('%s says why it was refused, and ends', PATIENCE, async (file, path) => {
  const client = start(file, app.url(path, 'ws'), tokenWith({}, 'a secret that the server does not know'));

  expect(await client.ended).toBe(1);
  expect(client.stdout).toContain('Invalid authentication token');
});

it.each(PROGRAMS)('%s goes to the server of this machine where it is told no other', (file, path) => {
  expect(readFileSync(exampleFile(file), 'utf8')).toMatch(new RegExp(`['"]ws://127.0.0.1:8000${path}['"]`));
});

it('each of them connects again after a close that is not final, and ends after one that is', PATIENCE, async () => {
  const statuses = PROGRAMS.map(async ([file]) => {
    const server = await ClosingServer.start([1001, 1011, 4408, 4429, 4508, 4403]);
    const client = start(file, server.url);
    return { file, status: await client.ended, greetings: client.stdout.trim().split('\n').length };
  });

  expect(await Promise.all(statuses)).toEqual(PROGRAMS.map(([file]) => ({ file, status: 1, greetings: 6 })));
});
