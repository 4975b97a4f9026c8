import { expect, it } from 'vitest';
import { Hub } from '../../src/hub/index.js';
import { TestApp } from '../support/app.js';
import { WireClient } from '../support/wire-client.js';

it('many clients are sent away with 1001 in slices, not all at once', async () => {
  const app = await TestApp.start();
  const clients = await Promise.all(Array.from({ length: 120 }, () => WireClient.open(app.url('/ws/skills', 'ws'))));
  const hub = app.app.get(Hub, { strict: false });
  const closing = app.close();

  await Promise.race(clients.map(({ closed }) => closed));
  expect(hub.connections.size).toBeGreaterThan(0);

  const codes = (await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code);
  expect(new Set(codes)).toEqual(new Set([1001]));
  await closing;
});

it('while it drains the server is not ready, though it lives', async () => {
  const app = await TestApp.start();
  const clients = await Promise.all(Array.from({ length: 120 }, () => WireClient.open(app.url('/ws/skills', 'ws'))));
  expect((await fetch(app.url('/health/ready'))).status).toBe(200);
  const closing = app.close();
  await Promise.race(clients.map(({ closed }) => closed));

  expect((await fetch(app.url('/health/ready'))).status).toBe(503);
  expect((await fetch(app.url('/health/live'))).status).toBe(200);
  await closing;
});
