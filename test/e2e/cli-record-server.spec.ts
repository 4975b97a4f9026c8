import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../support/app.js';
import { CliProcess, type Ended } from '../support/cli-process.js';
import { type Answering, HttpStandIn } from '../support/http-stand-in.js';
import { recordedRuns } from '../support/recorded-runs.js';

const NODE = process.execPath;

/** Records the end of a command with a server that is there, but is not well. */
async function recordWith(answer: Answering, ...options: string[]): Promise<Ended & { standIn: HttpStandIn }> {
  const standIn = await HttpStandIn.start(answer);
  onTestFinished(() => standIn.close());
  const ended = await CliProcess.run(['record', 'x', '--url', standIn.url, ...options, '--', NODE, '-e', '']);
  return { ...ended, standIn };
}

describe('the server that metricast record tells', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });

  afterAll(() => app.close());

  it('is the one of --url rather than of METRICAST_URL', async () => {
    const skill = 'lint';

    await CliProcess.run(['record', skill, '--url', app.url(''), '--', NODE, '-e', ''], {
      METRICAST_URL: 'http://[::1]:9',
    });
    expect(await recordedRuns(app, skill)).toHaveLength(1);
  });

  it('may be mounted below a prefix', async () => {
    const standIn = await HttpStandIn.start((_, response) => response.writeHead(202).end());
    onTestFinished(() => standIn.close());

    await CliProcess.run(['record', 'x', '--url', `${standIn.url}/api/`, '--', NODE, '-e', '']);
    expect(standIn.received.map(({ path }) => path)).toEqual(['/api/ingest/skills']);
  });

  it.each([
    ['METRICAST_TOKEN', () => [], (token: string) => ({ METRICAST_TOKEN: token })],
    ['--token', (token: string) => ['--token', token], () => ({ METRICAST_TOKEN: 'another' })],
  ])('lets the tenant of %s record', async (_, options, variables) => {
    const server = await TestApp.start({ auth: { secret: SECRET } });
    onTestFinished(() => server.close());
    const token = tokenWith({ tenant_id: 'globex' });

    const args = ['record', 'lint', '--url', server.url(''), ...options(token), '--', NODE, '-e', ''];
    expect(await CliProcess.run(args, variables(token))).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await recordedRuns(server, 'lint')).toMatchObject([{ tenantId: 'globex' }]);
  });

  it.each([
    ['401: Invalid authentication token', 'not-a-token-of-its'],
    ['403: Not allowed: needs the role ingest', tokenWith({ roles: ['viewer'] })],
  ])('may refuse it, which is said without the token and changes nothing: %s', async (reason, token) => {
    const server = await TestApp.start({ auth: { secret: SECRET } });
    onTestFinished(() => server.close());

    const args = ['record', 'lint', '--url', server.url(''), '--', NODE, '-e', 'process.exit(4)'];
    expect(await CliProcess.run(args, { METRICAST_TOKEN: token })).toEqual({
      status: 4,
      stdout: '',
      stderr: `metricast record: not recorded: ${server.url('/')} answered ${reason}\n`,
    });
  });

  it('may be down, which is said in one line and changes nothing', async () => {
    const standIn = await HttpStandIn.start(() => undefined);
    await standIn.close();

    expect(await CliProcess.run(['record', 'x', '--url', standIn.url, '--', NODE, '-e', 'process.exit(4)'])).toEqual({
      status: 4,
      stdout: '',
      stderr: `metricast record: not recorded: ${standIn.url}/ cannot be reached (ECONNREFUSED)\n`,
    });
  });

  it('may be down where nobody reads stderr any more', async () => {
    const standIn = await HttpStandIn.start(() => undefined);
    await standIn.close();
    const program = CliProcess.start(['record', 'x', '--url', standIn.url, '--', NODE, '-e', 'process.exit(4)']);
    program.child.stderr!.destroy();

    expect((await program.ended).status).toBe(4);
  });

  it('may never answer, and is not waited for', async () => {
    const { status, stderr, standIn } = await recordWith(() => undefined);

    expect(status).toBe(0);
    expect(stderr).toBe(`metricast record: not recorded: ${standIn.url}/ did not answer in time\n`);
  });

  it('may be another one, which does not record', async () => {
    const { status, stderr, standIn } = await recordWith((_, response) => response.end('<html>\n'));

    expect(status).toBe(0);
    expect(stderr).toBe(`metricast record: not recorded: ${standIn.url}/ answered 200\n`);
  });

  it('may repeat the token, and write several lines: neither is shown', async () => {
    const token = tokenWith();
    const { stderr } = await recordWith(
      ({ headers }, response) =>
        response.writeHead(400).end(JSON.stringify({ message: `got\n${headers.authorization}` })),
      '--token',
      token,
    );

    expect(stderr).toMatch(/answered 400: got Bearer …\n$/);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('may be busy for a moment: the run is sent again, and counts once', async () => {
    const skill = 'typecheck';
    // What the real server commits is answered as if it had not been, as by a proxy that lost the answer.
    const standIn = await HttpStandIn.start(async ({ path, body }, response) => {
      const answer = await app.post(path, body);
      const isLost = standIn.received.length < 3;
      response.writeHead(isLost ? 503 : answer.status, { 'retry-after': '1' }).end(JSON.stringify(answer.body));
    });
    onTestFinished(() => standIn.close());

    const args = ['record', skill, '--url', standIn.url, '--', NODE, '-e', ''];
    expect(await CliProcess.run(args)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(standIn.received).toHaveLength(3);
    expect(new Set(standIn.received.map(({ body }) => body)).size).toBe(1);
    expect(await recordedRuns(app, skill)).toHaveLength(1);
  });

  it('may take its time, in which Ctrl-C does not lose the run', async () => {
    const standIn = await HttpStandIn.start((_, response) => {
      program.interrupt();
      // Answered once the signal was handled, or has ended metricast.
      setImmediate(() => response.writeHead(202).end());
    });
    onTestFinished(() => standIn.close());
    const program = CliProcess.start(['record', 'x', '--url', standIn.url, '--', NODE, '-e', '']);

    expect(await program.ended).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('may stay busy, and is given up', async () => {
    const { status, stderr, standIn } = await recordWith((_, response) =>
      response.writeHead(503).end('{"message":"Storage cannot take more now"}'),
    );

    expect(status).toBe(0);
    expect(standIn.received).toHaveLength(4);
    expect(stderr).toMatch(/answered 503: Storage cannot take more now\n$/);
  });
});
