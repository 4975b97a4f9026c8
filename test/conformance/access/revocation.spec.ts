import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RevocationList } from '../../../src/auth/index.js';
import { parseTenantId } from '../../../src/protocol/index.js';
import { SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { Scratch } from '../../support/host.js';
import { adminOf, newName, operator, revoke } from '../../support/revoking.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const REVOKED = { code: 4401, reason: 'token revoked' };
const DONE = { status: 200, body: { revoked: true } };

let app: TestApp;
let tenant: TestTenant;
let admin: string;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET }, maxFailedAuthentications: 0 });
});
afterAll(() => app.close());
beforeEach(() => {
  tenant = new TestTenant(app);
  admin = adminOf(tenant);
});

/** Whether a token is taken, on each way in. */
async function isTaken(token: string, of = app, query = ''): Promise<boolean> {
  const socket = await WireClient.open(of.url(`/ws/metrics?token=${token}&${query}`, 'ws'));
  const isGreeted = (await socket.next())['type'] === 'welcome';
  if (isGreeted) await socket.close();
  else expect(await socket.closed).toMatchObject({ code: 4401 });
  const headers = { authorization: `Bearer ${token}` };
  const rest = await fetch(of.url(`/skills?${query}`), { headers });
  expect(rest.status).toBe(isGreeted ? 200 : 401);
  if (isGreeted) await (await SseClient.open(of.url(`/stream/metrics?${query}`), headers)).close();
  else expect(await SseClient.refusal(of.url(`/stream/metrics?${query}`), headers)).toMatchObject({ status: 401 });
  return isGreeted;
}

describe('a token that is revoked', () => {
  it('is not taken any more, and what was opened with it ends, in every dialect and by both transports', async () => {
    const token = tenant.token({ jti: newName() });
    const clients = {
      channels: await tenant.watch('JSON', token),
      messagePack: await tenant.watch('MessagePack', token),
      skills: await tenant.watchSkills(token),
      workspace: await tenant.watchWorkspace(token),
      routing: await tenant.watchRouting(token),
      tools: await tenant.watchTools('', token),
    };
    const streams = [
      await tenant.stream('dialect=channels', token),
      await tenant.stream('dialect=tools', token),
    ] as const;
    expect(await isTaken(token)).toBe(true);
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string };

    expect(await revoke(app, { sub }, admin)).toMatchObject(DONE);
    for (const [dialect, { closed }] of Object.entries(clients)) {
      expect(await closed, dialect).toEqual(dialect === 'tools' ? { code: 1008, reason: 'Unauthorized' } : REVOKED);
    }
    expect((await streams[0].nextOf('error')).message).toEqual({ ...REVOKED, reconnect: false });
    expect((await streams[1].nextOf('error')).message).toEqual({
      code: 1008,
      reason: 'Unauthorized',
      reconnect: false,
    });
    await Promise.all(streams.map(({ closed }) => closed));
    expect(await isTaken(token)).toBe(false);
  });

  it('is the one with its jti alone', async () => {
    const [jti, other] = [newName(), newName()];
    const closing = await tenant.watch('JSON', tenant.token({ jti }));
    const staying = await tenant.watch('JSON', tenant.token({ jti: other }));
    await revoke(app, { jti }, admin);

    expect(await closing.closed).toEqual(REVOKED);
    expect(await isTaken(tenant.token({ jti }))).toBe(false);
    expect(await isTaken(tenant.token({ jti, iat: secondsFromNow(7) }))).toBe(false);
    expect(await isTaken(tenant.token({ jti: other }))).toBe(true);
    expect(await isTaken(tenant.token())).toBe(true);
    expect(await staying.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await staying.close();
  });

  it('is every one of its subject that was issued up to then, and none that was issued since', async () => {
    const sub = newName();
    const closing = await tenant.watch('JSON', tenant.token({ sub }));
    const staying = await tenant.watch('JSON', tenant.token({ sub: newName() }));
    await revoke(app, { sub }, admin);

    expect(await closing.closed).toEqual(REVOKED);
    expect(await isTaken(tenant.token({ sub, iat: secondsFromNow(-60) }))).toBe(false);
    // An issuer that does not say when, and one that says a time that cannot be.
    expect(await isTaken(tenant.token({ sub, iat: secondsFromNow(3600), exp: secondsFromNow(7200) }))).toBe(false);
    expect(await isTaken(tenant.token({ sub, iat: secondsFromNow(7) }))).toBe(true);
    expect(await staying.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await staying.close();
  });

  it('is every one of its tenant that was issued up to then, that of who revoked it as well', async () => {
    const other = new TestTenant(app);
    const token = tenant.token();
    const closing = await tenant.watch('JSON', token);
    const staying = await other.watch();

    expect(await revoke(app, { tenant_id: tenant.id }, admin)).toMatchObject(DONE);
    expect(await closing.closed).toEqual(REVOKED);
    expect(await isTaken(token)).toBe(false);
    expect(await revoke(app, { tenant_id: tenant.id }, admin)).toMatchObject({ status: 401 });
    expect(await isTaken(tenant.token({ iat: secondsFromNow(7) }))).toBe(true);
    expect(await staying.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await staying.close();
  });

  it('may be revoked again, which is nothing new', async () => {
    const jti = newName();
    expect(await revoke(app, { jti }, admin)).toMatchObject(DONE);
    expect(await revoke(app, { jti }, admin)).toMatchObject(DONE);
    expect(await isTaken(tenant.token({ jti }))).toBe(false);
  });

  it('records nothing', async () => {
    const token = tenant.token({ jti: newName(), sub: 'recorder' });
    expect(await tenant.record('skills', run('lint'), token)).toMatchObject({ status: 202 });
    await revoke(app, { sub: 'recorder' }, admin);
    expect(await tenant.record('skills', run('lint'), token)).toMatchObject({ status: 401 });
  });

  it('is not taken as a first frame either', async () => {
    const jti = newName();
    await revoke(app, { jti }, admin);
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));
    client.send({ token: tenant.token({ jti }) });

    expect(await client.closed).toMatchObject({ code: 4401 });
  });
});

describe('an administrator', () => {
  it.each(['jti', 'sub'] as const)('revokes by %s in the own tenant alone', async (field) => {
    const [name, other] = [newName(), new TestTenant(app)];
    const claims = { [field]: name, tenants: [other.id] };
    const [here, elsewhere] = [tenant.token(claims), other.token({ ...claims, tenants: [tenant.id] })];
    const staying = await other.watch('JSON', elsewhere);
    await revoke(app, { [field]: name }, admin);

    expect(await isTaken(here)).toBe(false);
    expect(await isTaken(here, app, `tenant_id=${other.id}`)).toBe(true);
    expect(await isTaken(elsewhere)).toBe(true);
    expect(await isTaken(elsewhere, app, `tenant_id=${tenant.id}`)).toBe(false);
    expect(await staying.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await staying.close();
  });

  it('revokes in each tenant that the token allows, and is told the same of any other, there or not', async () => {
    const [second, stranger] = [new TestTenant(app), new TestTenant(app)];
    await stranger.create('orders.metrics');
    const both = tenant.token({ sub: 'the admin', roles: ['admin'], tenants: [second.id] });
    const jti = newName();
    expect(await revoke(app, { jti, tenant_id: second.id }, both)).toMatchObject(DONE);
    expect(await isTaken(second.token({ jti }))).toBe(false);
    expect(await isTaken(tenant.token({ jti }))).toBe(true);

    for (const body of [{ tenant_id: stranger.id }, { jti, tenant_id: stranger.id }, { tenant_id: 'no-such-tenant' }]) {
      const { status, body: problem } = await revoke(app, body, both);
      expect({ status, problem }).toEqual({
        status: 404,
        problem: { statusCode: 404, code: 'not_found', message: 'Not found' },
      });
    }
    expect(await isTaken(stranger.token({ jti }))).toBe(true);
  });
});

describe('an operator', () => {
  it('revokes in all tenants, or in the one that is named', async () => {
    const other = new TestTenant(app);
    const [everywhere, somewhere] = [newName(), newName()];
    const tokensOf = (sub: string) => [tenant.token({ sub }), other.token({ sub })];
    const [ofOne, ofOther] = [tokensOf(everywhere), tokensOf(somewhere)];
    expect(await revoke(app, { sub: everywhere }, operator())).toMatchObject(DONE);
    expect(await revoke(app, { sub: somewhere, tenant_id: tenant.id }, operator())).toMatchObject(DONE);

    expect(await Promise.all(ofOne.map((token) => isTaken(token)))).toEqual([false, false]);
    expect(await Promise.all(ofOther.map((token) => isTaken(token)))).toEqual([false, true]);
  });

  it('revokes a tenant, whether anybody has seen it or not', async () => {
    const client = await tenant.watch();
    expect(await revoke(app, { tenant_id: tenant.id }, operator())).toMatchObject(DONE);
    expect(await client.closed).toEqual(REVOKED);
    expect(await revoke(app, { tenant_id: 'nobody-was-there-yet' }, operator())).toMatchObject(DONE);
  });
});

describe('nobody else', () => {
  it.each([{ roles: ['viewer'] }, { roles: ['ingest', 'viewer'] }, { roles: [] }])(
    'may revoke: $roles',
    async (claims) => {
      const token = tenant.token(claims);
      expect(await revoke(app, { jti: 'x' }, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    },
  );

  it('may revoke: who does not say who they are', async () => {
    expect(await app.post('/admin/tokens/revoke', { jti: 'x' })).toMatchObject({ status: 401 });
  });
});

describe('what cannot be revoked', () => {
  const TEXT = 'must be a printable text of at most 256 characters';
  it.each<[what: string, body: unknown, errors: [field: string, message: string][]]>([
    ['nothing', {}, [['jti', 'jti, sub or tenant_id is missing']]],
    ['nothing but null', { jti: null }, [['jti', 'jti, sub or tenant_id is missing']]],
    ['two things', { jti: 'a', sub: 'b' }, [['sub', 'must not stand beside jti']]],
    ['what is no text', { jti: 7 }, [['jti', TEXT]]],
    ['an empty text', { sub: '' }, [['sub', TEXT]]],
    ['a list', { sub: ['a'] }, [['sub', TEXT]]],
    ['a text that breaks lines', { jti: 'a\nb' }, [['jti', TEXT]]],
    ['a long text', { jti: 'x'.repeat(257) }, [['jti', TEXT]]],
    ['what can be no tenant', { tenant_id: '../x' }, [['tenant_id', expect.any(String) as string]]],
    ['something else', { sub: 'a', role: 'viewer' }, [['role', 'there is no such field']]],
  ])('%s', async (_what, body, errors) => {
    const answer = await revoke(app, body, operator());
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect(answer.body['errors']).toEqual(errors.map(([field, message]) => ({ field, message })));
  });

  it.each(['[]', '"jti"', '7', 'null', '{"jti":', '[{"jti":"a"}]'])('%s', async (body) => {
    expect(await revoke(app, body, operator())).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  it('one by one, more than 10,000 in a tenant', async () => {
    const list = app.app.get(RevocationList, { strict: false });
    const own = parseTenantId(tenant.id)!;
    for (let at = 0; at < 10_000; at++) list.add({ kind: 'jti', value: `t${at}`, tenant: own, revokedAt: 1 });
    const message = 'at most 10000 are revoked in a tenant one by one: revoke all tokens of the tenant instead';

    expect(await revoke(app, { sub: 'one more' }, admin)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'sub', message }] },
    });
    expect(await revoke(app, { jti: 't7' }, admin)).toMatchObject(DONE);
    expect(await revoke(app, { sub: 'one more' }, operator())).toMatchObject(DONE);
    expect(await revoke(app, { tenant_id: tenant.id }, admin)).toMatchObject(DONE);
    const next = tenant.token({ sub: 'the next admin', roles: ['admin'], iat: secondsFromNow(7) });
    expect(await revoke(app, { sub: 'one more' }, next)).toMatchObject(DONE);
  });

  it('everything that is wrong is named at once', async () => {
    const { body } = await revoke(app, { jti: 1, sub: 2, tenant_id: 3, more: 4 }, operator());
    const fields = (body['errors'] as { field: string }[]).map(({ field }) => field);
    expect([...new Set(fields)].sort()).toEqual(['jti', 'more', 'sub', 'tenant_id']);
  });
});

describe('what was revoked', () => {
  it('stays so when the server starts again', async () => {
    const scratch = new Scratch();
    const options = { auth: { secret: SECRET }, database: `sqlite:${scratch.file('shared.db')}` };
    const before = await TestApp.start(options);
    const [jti, sub] = [newName(), newName()];
    const tokens = [tenant.token({ jti }), tenant.token({ sub })] as const;
    await revoke(before, { jti }, admin);
    await revoke(before, { sub }, operator());
    await before.close();
    const after = await TestApp.start(options);

    for (const token of tokens) expect(await isTaken(token, after)).toBe(false);
    expect(await isTaken(tenant.token(), after)).toBe(true);
    await after.close();
    scratch.remove();
  });

  it('is so on every instance that shares the database, within 5 seconds', async () => {
    const scratch = new Scratch();
    const options = { auth: { secret: SECRET }, database: `sqlite:${scratch.file('shared.db')}` };
    const [one, other] = [await TestApp.start(options), await TestApp.start(options)];
    const sub = newName();
    const token = tenant.token({ sub });
    const closing = await WireClient.open(other.url(`/ws/metrics?token=${token}`, 'ws'));
    const staying = await WireClient.open(other.url(`/ws/metrics?token=${tenant.token()}`, 'ws'));
    await Promise.all([closing.next({ type: 'welcome' }), staying.next({ type: 'welcome' })]);
    const revokedAt = Date.now();
    await revoke(one, { sub }, admin);

    expect(await closing.closed).toEqual(REVOKED);
    expect(Date.now() - revokedAt).toBeLessThan(5000);
    expect(await isTaken(token, other)).toBe(false);
    staying.send({ type: 'ping' });
    await staying.next({ type: 'pong' });
    await staying.close();
    await Promise.all([one.close(), other.close()]);
    scratch.remove();
  });

  it('is written down: who, what and where', async () => {
    const jti = newName();
    await revoke(app, { jti }, admin);
    const response = await fetch(app.url('/admin/audit'), { headers: { authorization: `Bearer ${admin}` } });
    const { items } = (await response.json()) as { items: unknown[] };

    expect(items).toEqual([
      {
        at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        actor: 'the admin',
        tenant_id: tenant.id,
        action: 'token.revoke',
        before: null,
        after: { jti, tenant_id: tenant.id },
      },
    ]);
  });
});
