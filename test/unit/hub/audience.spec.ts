import { describe, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Interval, NO_FILTER, type Tags, canonicalKey } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { tenantId } from '../../support/principals.js';
import { failureFor, filterOf, publicationOf, sampleWith, stateFor } from '../../support/publications.js';

const PRODUCTION = filterOf({ env: 'production' });
const NORTH = filterOf({ region: ['north', 'west'] });
const sample = sampleWith({ tags: { env: 'production', region: 'north' } });

/** A hub with a dialect and a framing that count what they are asked for. */
function setUp() {
  return { hub: new Hub(), dialect: new PlainDialect(), framing: lineFraming() };
}

describe('an audience', () => {
  test('is given one buffer, the very same for every member', async () => {
    const { hub, dialect, framing } = setUp();
    const members = Array.from({ length: 100 }, () => subscriber(hub, { dialect, framing }));
    hub.deliver(publicationOf(sample));
    await endOfTurn();

    const [first] = members[0]!.transport.writes;
    expect(first).toBeInstanceOf(Buffer);
    for (const { transport } of members) {
      expect(transport.writes).toHaveLength(1);
      expect(transport.writes[0]).toBe(first);
    }
    expect(dialect.renders).toBe(1);
    expect(framing.frames).toBe(1);
  });

  test('shares its buffer with those that differ only in their filter', async () => {
    const { hub, dialect, framing } = setUp();
    const filters = [NO_FILTER, PRODUCTION, NORTH, filterOf({ region: 'north', env: ['test', 'production'] })];
    const members = filters.map((filter) => subscriber(hub, { dialect, framing, filter }));
    hub.deliver(publicationOf(sample));
    await endOfTurn();

    const [first] = members[0]!.transport.writes;
    for (const { transport } of members) expect(transport.writes[0]).toBe(first);
    expect(dialect.renders).toBe(1);
    expect(framing.frames).toBe(1);
  });

  test('of each publication gets a buffer of its own', async () => {
    const { hub, dialect, framing } = setUp();
    const [one, other] = [subscriber(hub, { dialect, framing }), subscriber(hub, { dialect, framing })];
    for (const offset of [1, 2, 3]) {
      hub.deliver(publicationOf(sample, { offset }));
      await endOfTurn();
    }
    expect(one.transport.messages.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    expect(new Set(one.transport.writes).size).toBe(3);
    expect(other.transport.writes).toHaveLength(3);
    one.transport.writes.forEach((frame, at) => expect(other.transport.writes[at]).toBe(frame));
    expect(dialect.renders).toBe(3);
  });

  test('of each dialect, framing and format has a buffer of its own', async () => {
    const { hub } = setUp();
    const dialects = [new PlainDialect('a'), new PlainDialect('b')];
    const framings = [lineFraming('x'), lineFraming('y')];
    const members = dialects.flatMap((dialect) =>
      framings.flatMap((framing) =>
        (['snapshot', 'points'] as const).flatMap((format) => [
          subscriber(hub, { dialect, framing, format }),
          subscriber(hub, { dialect, framing, format, filter: PRODUCTION }),
        ]),
      ),
    );
    hub.deliver(publicationOf(sample));
    await endOfTurn();
    expect(new Set(members.map(({ transport }) => transport.writes[0])).size).toBe(8);
    for (const dialect of dialects) expect(dialect.renders).toBe(4);
    for (const framing of framings) expect(framing.frames).toBe(4);
  });

  test('in whose words there is none for it is sent nothing, and asked once', async () => {
    const { hub, framing } = setUp();
    let asked = 0;
    const mute = Object.assign(new PlainDialect('mute'), { render: () => (asked++, []) });
    const members = [NO_FILTER, PRODUCTION].map((filter) => subscriber(hub, { dialect: mute, framing, filter }));
    hub.deliver(publicationOf(sample));
    await endOfTurn();
    for (const { transport } of members) expect(transport.writes).toEqual([]);
    expect(asked).toBe(1);
    expect(framing.frames).toBe(0);
  });

  test('is given the points of a state as one buffer', async () => {
    const { hub, dialect, framing } = setUp();
    const options = { dialect, framing, format: 'points' } as const;
    const [one, other] = [subscriber(hub, options), subscriber(hub, options)];
    const points = [1, 2, 3].map((value) => sampleWith({ name: `p${value}`, value }));
    hub.deliver(publicationOf(stateFor(NO_FILTER, { points: () => points })));
    await endOfTurn();
    expect(one.transport.messages.map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(one.transport.writes).toHaveLength(1);
    expect(other.transport.writes[0]).toBe(one.transport.writes[0]);
    expect(dialect.renders).toBe(1);
  });
});

describe('what is for an audience', () => {
  test('are the samples that its filter lets through', async () => {
    const { hub, dialect, framing } = setUp();
    const member = subscriber(hub, { dialect, framing, filter: NORTH });
    const tags: Tags[] = [{ region: 'south' }, { region: 'north' }, {}, { region: 'west', env: 'test' }];
    tags.forEach((each, at) => hub.deliver(publicationOf(sampleWith({ tags: each }), { offset: at + 1 })));
    await endOfTurn();
    expect(member.transport.messages.map(({ offset }) => offset)).toEqual([2, 4]);
    expect(dialect.renders).toBe(2);
  });

  test.each(['state', 'failure'] as const)(
    'is the %s that was collected for its filter, and no other',
    async (kind) => {
      const { hub } = setUp();
      const [all, narrow] = [subscriber(hub), subscriber(hub, { filter: NORTH })];
      const make = kind === 'state' ? stateFor : failureFor;
      hub.deliver(publicationOf(make(NORTH)));
      await endOfTurn();
      expect(all.transport.messages).toEqual([]);
      expect(narrow.transport.messages).toMatchObject([{ kind }]);
      hub.deliver(publicationOf(make(NO_FILTER), { offset: 2 }));
      await endOfTurn();
      expect(all.transport.messages).toMatchObject([{ kind, offset: 2 }]);
      expect(narrow.transport.messages).toHaveLength(1);
    },
  );

  test('is narrowed by the filter in its token, whatever it asks for', async () => {
    const { hub } = setUp();
    const restricted = { principal: { filter: PRODUCTION } };
    const [all, north, test] = [
      subscriber(hub, restricted),
      subscriber(hub, { ...restricted, filter: NORTH }),
      subscriber(hub, { ...restricted, filter: filterOf({ env: 'test' }) }),
    ];
    for (const env of ['production', 'test']) {
      for (const region of ['north', 'south']) hub.deliver(publicationOf(sampleWith({ tags: { env, region } })));
    }
    await endOfTurn();
    expect(all.transport.lines).toHaveLength(2);
    expect(north.transport.lines).toHaveLength(1);
    expect(test.transport.lines).toHaveLength(0);
  });

  test('is of its own tenant', async () => {
    const { hub } = setUp();
    const ours = subscriber(hub);
    const theirs = subscriber(hub, { principal: { tenant: tenantId('globex') } });
    hub.deliver(publicationOf(sample));
    await endOfTurn();
    expect(ours.transport.lines).toHaveLength(1);
    expect(theirs.transport.lines).toHaveLength(0);
  });
});

describe('what is for an audience with an interval', () => {
  const window = (interval: Interval, filterKey?: string) =>
    sampleWith({ tags: { region: 'north' }, window: { interval, filterKey } });
  /** Somebody who wants windows of this length; without one, everything as it comes. */
  const wantingWindows = (hub: Hub, interval?: Interval, filter = NO_FILTER) => {
    const { connection, transport } = connect(hub);
    hub.subscribe(connection, { ...wanting({ filter }), interval });
    return transport;
  };

  test('are windows of that length, and neither values nor states', async () => {
    const { hub } = setUp();
    const [plain, seconds, minutes] = [wantingWindows(hub), wantingWindows(hub, '1s'), wantingWindows(hub, '1m')];
    [sample, window('1s'), window('1m'), stateFor()].forEach((message, at) =>
      hub.deliver(publicationOf(message, { offset: at + 1 })),
    );
    await endOfTurn();
    expect([plain, seconds, minutes].map(({ messages }) => messages.map(({ offset }) => offset))).toEqual([
      [1, 4],
      [2],
      [3],
    ]);
  });

  test('are those of recorded values that match its tags', async () => {
    const { hub } = setUp();
    const [north, south] = ['north', 'south'].map((region) => wantingWindows(hub, '1s', filterOf({ region })));
    hub.deliver(publicationOf(window('1s')));
    await endOfTurn();
    expect(north!.messages).toHaveLength(1);
    expect(south!.messages).toEqual([]);
  });

  test('are those of the view that was collected for its filter, whatever their tags', async () => {
    const { hub } = setUp();
    const [all, south] = [wantingWindows(hub, '1s'), wantingWindows(hub, '1s', filterOf({ region: 'south' }))];
    hub.deliver(publicationOf(window('1s', canonicalKey(filterOf({ region: 'south' })))));
    await endOfTurn();
    expect(all.messages).toEqual([]);
    expect(south.messages).toHaveLength(1);
  });

  test('are the same bytes for all, and nothing of another interval', async () => {
    const { hub } = setUp();
    const [one, other] = [wantingWindows(hub, '5s'), wantingWindows(hub, '5s')];
    hub.deliver(publicationOf(window('5s')));
    await endOfTurn();
    expect(one.writes[0]).toBe(other.writes[0]);
    expect([...hub.audiences.all()]).toHaveLength(1);
  });
});

describe('what cannot be said', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;

  test.each([
    ['a circle', circle],
    ['a bigint', { big: 1n }],
  ])('reaches the audience as a failure: %s', async (_what, data) => {
    const { hub, dialect, framing } = setUp();
    const errors: unknown[] = [];
    hub.onUnsayable((_publication, error) => errors.push(error));
    const [one, other] = [subscriber(hub, { dialect, framing }), subscriber(hub, { dialect, framing })];
    hub.deliver(publicationOf(stateFor(NO_FILTER, { data })));
    await endOfTurn();
    expect(one.transport.messages).toMatchObject([{ kind: 'failure', offset: 1 }]);
    expect(other.transport.writes[0]).toBe(one.transport.writes[0]);
    expect(errors).toEqual([expect.any(TypeError)]);
  });

  test('to one audience is said to the others all the same', async () => {
    const { hub } = setUp();
    const points = () => {
      throw new Error('no points');
    };
    const members = (['snapshot', 'points', 'snapshot'] as const).map((format) => subscriber(hub, { format }));
    hub.deliver(publicationOf(stateFor(NO_FILTER, { points })));
    await endOfTurn();
    const kinds = members.map(({ transport }) => transport.messages[0]!['kind']);
    expect(kinds).toEqual(['state', 'failure', 'state']);
  });
});
