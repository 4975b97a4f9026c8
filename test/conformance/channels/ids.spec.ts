import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('the id of a command over %s', (encoding) => {
  let app: TestApp;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    client = await new TestTenant(app).watch(encoding);
    return () => client.close();
  });

  const commands = [
    { type: 'subscribe', data: { channels: ['agent.metrics'] } },
    { type: 'unsubscribe' },
    { type: 'ping' },
    { type: 'get_history', data: { channel: 'agent.metrics' } },
    { type: 'refresh', token: 'x' },
    { type: 'presence', data: { channel: 'agent.metrics' } },
    { type: 'no such type' },
    { type: 'subscribe', data: { channels: 'not a list' } },
    { type: 'subscribe', data: { channels: ['nope.metrics'] } },
  ];

  it.each(commands)('comes back with the answer to $type', async (command) => {
    for (const id of [7, 0, -1.5, 'seven', 'ü'.repeat(128)]) {
      client.send({ ...command, id });

      expect(await client.next()).toMatchObject({ id });
      await client.settled();
    }
  });

  it.each(commands)('is not made up for $type without one', async (command) => {
    client.send(command);

    expect(await client.next()).not.toHaveProperty('id');
  });

  it.each([
    { of: 'a list', id: [1] },
    { of: 'an object', id: { a: 1 } },
    { of: 'a boolean', id: true },
    { of: 'null', id: null },
    { of: 'an empty text', id: '' },
    { of: 'a text of 129 characters', id: 'x'.repeat(129) },
    { of: 'a text with a line break', id: 'a\nb' },
  ])('is left out of answers and errors alike where it is $of', async ({ id }) => {
    for (const command of [{ type: 'ping' }, { type: 'no such type' }]) {
      client.send({ ...command, id });

      expect(await client.next()).not.toHaveProperty('id');
    }
  });

  it('tells the answers of commands apart that were sent in one go, and they come in their order', async () => {
    client.send({ type: 'subscribe', id: 1, data: { channels: ['agent.metrics', 'nope.metrics'] } });
    client.send({ type: 'ping', id: 2 });
    client.send({ type: 'get_history', id: 3 });
    client.send({ type: 'subscribe', id: 4, data: { channels: ['workflow.metrics'] } });
    client.send({ type: 'unsubscribe', id: 5 });

    const answers = await client.settled();

    expect(answers.map(({ type, id }) => [type, id])).toEqual([
      ['error', 1],
      ['subscribed', 1],
      ['pong', 2],
      ['error', 3],
      ['subscribed', 4],
      ['unsubscribed', 5],
    ]);
  });
});
