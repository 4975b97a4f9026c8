import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServerProcess } from '../support/server-process.js';
import { WireClient } from '../support/wire-client.js';

const file = (name: string) => fileURLToPath(new URL(`../support/fixtures/tls/${name}.pem`, import.meta.url));

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'metricast-tls-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('serves wss with a certificate and its key, and says so', async () => {
  const server = await ServerProcess.up({ PORT: '0', TLS_CERT: file('cert'), TLS_KEY: file('key') }, directory);
  const [address] = /wss:\/\/\S+\/ws\/skills/.exec(server.stdout)!;
  const client = await WireClient.open(address, { ca: readFileSync(file('cert')) });

  expect(await client.next()).toMatchObject({ type: 'connected' });
  await client.close();
  await server.stop();
});

it('does not start with half of the two', async () => {
  const server = ServerProcess.run({ PORT: '0', TLS_CERT: file('cert') }, directory);

  expect(await server.exited).toMatchObject({ code: 1 });
  expect(server.stderr).toBe('TLS_KEY is missing: a certificate and its key go together\n');
});
