import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CurrentStates } from '../../../../src/transports/connections/index.js';
import { endOfTurn, subscriber } from '../../../support/connected.js';
import { ACME } from '../../../support/principals.js';
import { ORDERS } from '../../../support/publications.js';
import { set } from '../../../support/settings.js';
import { CollectingApp, Source } from '../../metrics/collecting-app.js';

const COMMAND = { type: 'request_state', channel: ORDERS } as const;

let app: CollectingApp;
let orders: Source;
let states: CurrentStates;
/** Answers the collections under way, one after the other. */
let finish: (() => void)[];
beforeEach(async () => {
  orders = new Source(ORDERS);
  finish = [];
  orders.answer = ({ features }) => new Promise((resolve) => finish.push(() => resolve({ features })));
  // So far apart that no tick comes into a test.
  app = await CollectingApp.start([orders], { updateInterval: 3600 });
  states = new CurrentStates(app.hub, app.metrics, app.tenants, app.broker);
});
afterEach(() => app.close());

describe('a state that is shown between two ticks', () => {
  test('is the current one', async () => {
    const { connection, transport } = subscriber(app.hub);
    const showing = states.show(connection, ORDERS);
    finish[0]!();
    await showing;
    await endOfTurn();

    expect(transport.messages).toMatchObject([{ channel: ORDERS, data: { features: { compression: true } } }]);
  });

  test('is without a feature that was switched off while it was collected', async () => {
    const { connection, transport } = subscriber(app.hub);
    const showing = states.show(connection, ORDERS);
    set(app.tenants, ACME, { features: { compression: false } });
    const again = orders.called(1);
    finish[0]!();
    await again;
    finish[1]!();
    await showing;
    await endOfTurn();

    expect(transport.messages).toMatchObject([{ channel: ORDERS, data: { features: { compression: false } } }]);
  });

  test.each([{ metricsStreaming: false }, { performanceProfile: 'batch_only' }, { performanceProfile: 'disabled' }])(
    'is not sent, nor an error in its place, where %o was set while it was collected',
    async (off) => {
      const { connection, transport } = subscriber(app.hub);
      const showing = states.show(connection, ORDERS);
      set(app.tenants, ACME, off);
      for (const one of finish) one();
      // Where it is still shown to who asks, it is collected once more.
      await endOfTurn();
      for (const one of finish) one();
      await showing;
      await endOfTurn();

      expect(transport.messages).toEqual([]);
    },
  );
});

describe('a state that somebody asks for', () => {
  test('is refused where streaming was switched off while it was collected', async () => {
    const { connection, transport } = subscriber(app.hub);
    const answering = states.answer(connection, COMMAND);
    set(app.tenants, ACME, { metricsStreaming: false });
    const again = orders.called(1);
    finish[0]!();
    await again;
    finish[1]!();

    await expect(answering).rejects.toMatchObject({ code: 'streaming_disabled' });
    expect(transport.messages).toEqual([]);
  });
});
