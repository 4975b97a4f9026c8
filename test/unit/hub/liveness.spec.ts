import { beforeEach, describe, expect, test } from 'vitest';
import { Hub, Liveness } from '../../../src/hub/index.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { type Connected, connect, endOfTurn, subscriber } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { publicationOf, stateFor } from '../../support/publications.js';

const HEARTBEAT = 30_000;
const START = Date.UTC(2026, 10, 21);

let now: number;
let hub: Hub;
let liveness: Liveness;
beforeEach(() => {
  now = START;
  hub = new Hub(
    () => now,
    () => now,
  );
  liveness = new Liveness(hub, HEARTBEAT);
});

/** Lets time pass as the sweeps see it. */
function pass(millis: number): void {
  const end = now + millis;
  while (now < end) liveness.sweep((now = Math.min(end, now + liveness.sweepInterval)));
}

/** As {@link pass}, with peers that answer every ping. */
function passWithAnswers(millis: number, ...peers: Connected[]): void {
  for (const end = now + millis; now < end;) {
    pass(Math.min(1000, end - now));
    for (const { connection } of peers) connection.lastHeardAt = now;
  }
}

const talkative = Object.assign(new PlainDialect('talkative'), { heartbeat: (at: number) => ({ heartbeat: at }) });

describe('liveness', () => {
  test('pings a connection once a heartbeat', () => {
    const peer = connect(hub);
    passWithAnswers(HEARTBEAT - 1, peer);
    expect(peer.transport.pings).toHaveLength(0);
    passWithAnswers(1, peer);
    expect(peer.transport.pings).toHaveLength(1);
    passWithAnswers(10 * HEARTBEAT, peer);
    expect(peer.transport.pings).toHaveLength(11);
    expect(peer.transport.closes).toEqual([]);
  });

  test('pings as spread as the connects were', () => {
    const peers = Array.from({ length: 10 }, () => {
      const peer = connect(hub);
      pass(1000);
      return peer;
    });
    passWithAnswers(HEARTBEAT - 10_000 + 500, ...peers);
    expect(peers.map(({ transport }) => transport.pings.length)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    passWithAnswers(4000, ...peers);
    expect(peers.map(({ transport }) => transport.pings.length)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('lets go of a peer that was silent for two heartbeats, and not before', () => {
    const { connection, transport } = connect(hub);
    pass(2 * HEARTBEAT - 1);
    expect(connection.isOpen).toBe(true);
    pass(1);
    expect(transport.closes).toEqual([CLOSE.silent]);
    expect(transport.isClosed).toBe(true);
    expect(hub.connections.size).toBe(0);
  });

  test('keeps a peer from which anything is heard', () => {
    const { connection, transport } = connect(hub);
    for (let beat = 0; beat < 5; beat++) {
      pass(2 * HEARTBEAT - 1);
      connection.lastHeardAt = now;
    }
    expect(transport.closes).toEqual([]);
  });

  test('lets go within a second of the end of the token, and not before', () => {
    const expiresAt = START + 10_500;
    const { transport } = connect(hub, { principal: { expiresAt } });
    pass(10_499);
    expect(transport.closes).toEqual([]);
    while (transport.closes.length === 0) pass(liveness.sweepInterval);
    expect(transport.closes).toEqual([CLOSE.tokenExpired]);
    expect(now - expiresAt).toBeLessThanOrEqual(1000);
  });

  test('lets go of one that has had more than 1 MiB waiting for 10 s, though nothing more is published', async () => {
    const { connection, transport } = subscriber(hub);
    transport.stall(1024 * 1024);
    hub.deliver(publicationOf(stateFor()));
    await endOfTurn();
    pass(9999);
    expect(transport.closes).toEqual([]);
    expect(connection.outbox.isEmpty).toBe(false);
    pass(1);
    expect(transport.closes).toEqual([CLOSE.slowConsumer]);
    expect(hub.connections.size).toBe(0);
  });

  test('goes on with what waits for one that has read on', async () => {
    const { transport } = subscriber(hub);
    transport.stall(1024 * 1024);
    hub.deliver(publicationOf(stateFor()));
    await endOfTurn();
    pass(5000);
    transport.drain();
    pass(liveness.sweepInterval);
    expect(transport.messages).toMatchObject([{ kind: 'state' }]);
    pass(10_000);
    expect(transport.closes).toEqual([]);
  });

  test('lets go of many in one sweep', () => {
    for (let peer = 0; peer < 100; peer++) connect(hub);
    const heard = connect(hub);
    pass(HEARTBEAT);
    heard.connection.lastHeardAt = now;
    pass(HEARTBEAT);
    expect([...hub.connections.values()]).toEqual([heard.connection]);
  });

  test('says the heartbeat of a dialect that has one, in one buffer for all of a sweep', async () => {
    const framing = lineFraming();
    const peers = Array.from({ length: 3 }, () => connect(hub, { dialect: talkative, framing }));
    const quiet = connect(hub, { framing });
    passWithAnswers(HEARTBEAT, ...peers, quiet);
    await endOfTurn();
    const [first] = peers[0]!.transport.writes;
    expect(peers[0]!.transport.messages).toEqual([{ heartbeat: now }]);
    for (const { transport } of peers) expect(transport.writes[0]).toBe(first);
    expect(framing.frames).toBe(1);
    expect(quiet.transport.writes).toEqual([]);
    expect(quiet.transport.pings).toHaveLength(1);
  });

  test('says the heartbeat in the framing of each connection', async () => {
    const framings = [lineFraming('a'), lineFraming('b')];
    const peers = framings.map((framing) => connect(hub, { dialect: talkative, framing }));
    passWithAnswers(HEARTBEAT, ...peers);
    await endOfTurn();
    expect(framings.map(({ frames }) => frames)).toEqual([1, 1]);
  });

  test('sweeps at least twice a second, and several times in a short heartbeat', () => {
    expect(liveness.sweepInterval).toBe(500);
    expect(new Liveness(hub, 200).sweepInterval).toBe(50);
  });
});
