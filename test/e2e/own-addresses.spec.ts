import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from '../support/host.js';
import { ServerProcess } from '../support/server-process.js';
import { WireClient } from '../support/wire-client.js';

/** Each of the systems whose clients connect unchanged: the address that those use, and the first frame that they get. */
const SYSTEMS = [
  { system: 'Session-Buddy', endpoints: '/=skills', address: '', first: { type: 'connected' } },
  {
    system: 'OmniMemory',
    endpoints: '/ws/metrics=tools',
    address: '/ws/metrics?tool_id=claude-code',
    first: { type: 'connected', interval: 1, tool_id: 'claude-code', session_id: null },
  },
  {
    system: 'AI Cost Optimizer',
    endpoints: '/ws/metrics=routing',
    address: '/ws/metrics',
    first: { total_decisions: 0, provider_usage: {} },
  },
  {
    system: 'Shadower',
    endpoints: '/ws=workspace',
    address: '/ws?workspace_id=local',
    first: { event: 'connected', workspace_id: 'local' },
  },
  { system: 'GreenLang', endpoints: '/ws/metrics=channels', address: '/ws/metrics', first: { type: 'welcome' } },
];

describe.each(SYSTEMS)(
  'with the endpoints of $system',
  { timeout: 60_000 },
  ({ endpoints, address, first }: (typeof SYSTEMS)[number]) => {
    const scratch = new Scratch();
    let server: ServerProcess;
    beforeAll(async () => {
      server = await ServerProcess.up({ WS_ENDPOINTS: endpoints }, scratch.directory);
    });
    afterAll(async () => {
      await server.stop();
      scratch.remove();
    });

    it('its clients connect where they always did', async () => {
      const client = await WireClient.open(server.url(address, 'ws'));

      expect(await client.next()).toMatchObject(first);
      await client.close();
    });

    it('nothing answers on a path of the default table beside', async () => {
      expect(await WireClient.refusedWith(server.url('/ws/skills', 'ws'))).toBe(404);
    });
  },
);
