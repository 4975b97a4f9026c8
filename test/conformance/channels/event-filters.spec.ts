import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, alert, completion } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('filtered events over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  const record = async (what: 'executions' | 'alerts', ...items: object[]) => {
    expect(await tenant.record(what, items)).toMatchObject({ status: 202, body: { rejected: [] } });
  };

  it.each([
    { tags: {}, lets: ['1', '2', '3', '4'] },
    { tags: { agent_id: 'agent-1' }, lets: ['1', '2'] },
    { tags: { agent_id: ['agent-1', 'agent-2'], user_id: 'ada' }, lets: ['2', '3'] },
    { tags: { kind: 'workflow' }, lets: ['4'] },
    { tags: { session_id: 's' }, lets: ['4'] },
    { tags: { agent_id: 'agent-4' }, lets: [] },
    { tags: { run_id: '1' }, lets: [] },
  ])('of executions go through the filter $tags where their tags do: $lets', async ({ tags, lets }) => {
    await client.subscribe(['executions.events'], { tags });
    await record(
      'executions',
      completion('1'),
      completion('2', { user_id: 'ada' }),
      completion('3', { user_id: 'ada', agent_id: 'agent-2' }),
      completion('4', { kind: 'workflow', session_id: 's', agent_id: 'agent-3' }),
    );

    expect((await client.settled()).map(({ data }) => (data as { run_id: string }).run_id)).toEqual(lets);
  });

  it.each([
    { tags: { priority: ['high', 'critical'] }, lets: [2, 4] },
    { tags: { type: 'errors' }, lets: [3, 4] },
    { tags: { type: 'errors', priority: 'low' }, lets: [3] },
    { tags: { message: 'over budget' }, lets: [] },
  ])(
    'of alerts go through the filter $tags where their tags do, by their own numbers: $lets',
    async ({ tags, lets }) => {
      await client.subscribe(['alerts.events'], { tags });
      await record(
        'alerts',
        alert({ priority: 'low' }),
        alert({ priority: 'high' }),
        alert({ type: 'errors', priority: 'low' }),
        alert({ type: 'errors', priority: 'critical' }),
      );

      expect((await client.settled()).map(({ offset }) => offset)).toEqual(lets);
    },
  );

  it('go through the filter of the token as well', async () => {
    const clerk = await tenant.watch(encoding, tenant.token({ filter: { agent_id: ['agent-1', 'agent-2'] } }));
    const runsReceived = async () =>
      (await clerk.settled()).map(({ data }) => (data as { run_id?: string }).run_id ?? 'alert');
    const agents = ['agent-1', 'agent-2', 'agent-3'];
    const endOfEach = (prefix: string) => agents.map((agent_id) => completion(`${prefix} ${agent_id}`, { agent_id }));

    await clerk.subscribe(['executions.events', 'alerts.events']);
    await record('executions', ...endOfEach('a'));
    await record('alerts', alert());
    expect(await runsReceived()).toEqual(['a agent-1', 'a agent-2']);

    await clerk.subscribe(['executions.events'], { tags: { agent_id: ['agent-2', 'agent-3'] } });
    await record('executions', ...endOfEach('b'));
    expect(await runsReceived()).toEqual(['b agent-2']);
    await clerk.close();
  });
});
