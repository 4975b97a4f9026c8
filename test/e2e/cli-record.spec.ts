import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/app.js';
import { CliProcess } from '../support/cli-process.js';
import { recordedRuns } from '../support/recorded-runs.js';
import { WireClient } from '../support/wire-client.js';

/** Says that it is ready, and goes on until a signal ends it. */
const WAITS = "console.log('ready'); setInterval(() => undefined, 1000);";
const NODE = process.execPath;

let app: TestApp;
let skills = 0;

beforeAll(async () => {
  app = await TestApp.start();
});

afterAll(() => app.close());

/** A skill that no other test has recorded. */
const newSkill = () => `skill-${++skills}`;

function start(skill: string, ...command: string[]): CliProcess {
  return CliProcess.start(['record', skill, '--url', app.url(''), '--', ...command]);
}

describe('metricast record', () => {
  it('records a command that succeeds, with its duration', async () => {
    const skill = newSkill();
    const before = Date.now();

    expect(await start(skill, NODE, '-e', '').ended).toEqual({ status: 0, stdout: '', stderr: '' });
    const [run, ...more] = await recordedRuns(app, skill);
    expect(run).toMatchObject({ tenantId: 'local', completed: true, errorType: null, sessionId: null, toolId: null });
    expect(more).toEqual([]);
    expect(run!.ranAt).toBeGreaterThanOrEqual(before);
    expect(run!.ranAt).toBeLessThanOrEqual(Date.now());
    expect(run!.durationSeconds).toBeGreaterThan(0);
    expect(run!.durationSeconds).toBeLessThanOrEqual((Date.now() - before) / 1000);
  });

  it('measures the whole run of the command', async () => {
    const skill = newSkill();

    const { stdout } = await start(skill, NODE, '-e', `setTimeout(() => console.log(performance.now()), 300)`).ended;

    const [run] = await recordedRuns(app, skill);
    expect(run!.durationSeconds).toBeGreaterThanOrEqual(Math.floor(Number(stdout)) / 1000);
  });

  it('records a command that fails, and exits with its status', async () => {
    const skill = newSkill();

    expect(await start(skill, NODE, '-e', 'process.exit(3)').ended).toEqual({ status: 3, stdout: '', stderr: '' });
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'exit 3' }]);
  });

  it('records a command that is not found, and exits with 127', async () => {
    const skill = newSkill();

    expect(await start(skill, 'no-such-command').ended).toEqual({
      status: 127,
      stdout: '',
      stderr: 'metricast record: no-such-command: not found\n',
    });
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'not found' }]);
  });

  it.each([
    { file: '/', code: 'EACCES' },
    { file: './package.json/lint', code: 'ENOTDIR' },
    { file: '', code: 'ERR_INVALID_ARG_VALUE' },
  ])('records a command that cannot be run, and exits with 126: $code', async ({ file, code }) => {
    const skill = newSkill();

    expect(await start(skill, file).ended).toMatchObject({
      status: 126,
      stderr: `metricast record: ${file}: cannot be run (${code})\n`,
    });
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'not executable' }]);
  });

  it('records the session and the tool that it is told', async () => {
    const skill = newSkill();

    await CliProcess.run(['record', '--session', 's 1', skill, '--tool=oxlint', '--', NODE, '-e', ''], {
      METRICAST_URL: app.url(''),
    });
    expect(await recordedRuns(app, skill)).toMatchObject([{ sessionId: 's 1', toolId: 'oxlint' }]);
  });

  it('shows up on /ws/skills', async () => {
    const skill = newSkill();
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));
    client.send({ type: 'subscribe', skill });
    await client.next({ type: 'subscription_confirmed', skill });

    await start(skill, NODE, '-e', '').ended;

    const isShown = (data: unknown) => (data as { top_skills: unknown[] }).top_skills.length > 0;
    const { data } = await client.find((message) => message['type'] === 'metrics_update' && isShown(message['data']));
    expect(data).toMatchObject({
      top_skills: [{ skill_name: skill, total_invocations: 1, completion_rate: 100 }],
    });
    await client.close();
  });
});

describe('the recorded command', () => {
  it('has the standard input, output and error of its own run', async () => {
    const copy = 'process.stdin.pipe(process.stdout); console.error("to stderr")';
    const args = ['record', newSkill(), '--url', app.url(''), '--', NODE, '-e', copy];

    expect(await CliProcess.run(args, {}, 'from stdin')).toEqual({
      status: 0,
      stdout: 'from stdin',
      stderr: 'to stderr\n',
    });
  });

  it('gets its arguments as they stand: no shell reads them, nor does metricast', async () => {
    const args = ['$HOME', 'a  b', '*', '--help', '--', '--url', ';exit 9'];

    const { status, stdout } = await start(
      newSkill(),
      NODE,
      '-e',
      'console.log(JSON.stringify(process.argv.slice(1)))',
      '--',
      ...args,
    ).ended;

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(args);
  });

  it('is ended by Ctrl-C, which is recorded', async () => {
    const skill = newSkill();
    const program = start(skill, NODE, '-e', WAITS);
    await program.printed('ready');

    program.interrupt();

    expect(await program.ended).toEqual({ status: 130, stdout: 'ready\n', stderr: '' });
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'signal SIGINT' }]);
  });

  it('decides itself what Ctrl-C means, and is waited for', async () => {
    const skill = newSkill();
    const cleansUp =
      "process.once('SIGINT', () => { console.log('cleaning'); setTimeout(() => process.exit(5), 200); });";
    const program = start(skill, NODE, '-e', cleansUp + WAITS);
    await program.printed('ready');

    program.interrupt();
    await program.printed('cleaning');

    expect((await program.ended).status).toBe(5);
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'exit 5' }]);
  });

  it('gets a signal of the terminal once', async () => {
    const counts = "let n = 0; process.on('SIGINT', () => { n++; setTimeout(() => process.exit(10 + n), 200); });";
    const program = start(newSkill(), NODE, '-e', counts + WAITS);
    await program.printed('ready');

    program.interrupt();

    expect((await program.ended).status).toBe(11);
  });

  it('gets the SIGTERM that is sent to metricast alone', async () => {
    const skill = newSkill();
    const program = start(skill, NODE, '-e', WAITS);
    await program.printed('ready');

    program.child.kill('SIGTERM');

    expect((await program.ended).status).toBe(143);
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'signal SIGTERM' }]);
  });

  it('can be killed, which is recorded', async () => {
    const skill = newSkill();

    const { status } = await start(skill, NODE, '-e', "process.kill(process.pid, 'SIGKILL')").ended;

    expect(status).toBe(137);
    expect(await recordedRuns(app, skill)).toMatchObject([{ completed: false, errorType: 'signal SIGKILL' }]);
  });
});

describe('a wrong call of metricast record', () => {
  it.each([
    ['SKILL is missing', []],
    ['SKILL is missing', ['--', 'true']],
    ['the command must follow after --', ['lint']],
    ['the command must follow after --', ['lint', '--']],
    ['the command must follow after --', ['lint', 'npm', 'run', 'lint']],
    ['the command must follow after --', ['lint', 'npm', '--', 'run']],
    ['SKILL must be a printable text of 1 to 200 characters', ['a\nb', '--', 'true']],
    ['--session must be a printable text of 1 to 200 characters', ['x', '--session=', '--', 'true']],
    ['--tool must be a printable text of 1 to 200 characters', ['x', '--tool', 'x'.repeat(201), '--', 'true']],
    ['--url must be an http or https address without user and password', ['x', '--url=localhost:1', '--', 'true']],
    ['--token must be a token: it holds characters that none can have', ['x', '--token=hush hush', '--', 'true']],
    ['--token needs a value', ['x', '--token', '--', 'true']],
  ])('is answered with status 2: %s', async (line, args) => {
    expect(await CliProcess.run(['record', ...args])).toEqual({
      status: 2,
      stdout: '',
      stderr: `metricast record: ${line} (see metricast record --help)\n`,
    });
  });

  it('does not run the command', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'metricast-cli-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const made = join(directory, 'made');

    const args = ['record', 'x', '--', NODE, '-e', `fs.writeFileSync(${JSON.stringify(made)}, '')`];
    expect((await CliProcess.run(args, { METRICAST_URL: 'not an address' })).stderr).toMatch(/METRICAST_URL must be/);
    expect(existsSync(made)).toBe(false);
  });
});
