import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLI, CliProcess } from '../support/cli-process.js';

const ONE_LINE = /^[^\n]+\n$/;

describe('metricast', () => {
  it.each([[[]], [['--help']], [['-h']]])('%j prints its commands', async (args) => {
    const { status, stdout, stderr } = await CliProcess.run(args);

    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: metricast COMMAND/);
    for (const command of ['serve', 'token', 'record']) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(stderr).toBe('');
  });

  it.each(['serve', 'token', 'record'])('%s --help says how it is used, and does nothing else', async (command) => {
    const { status, stdout, stderr } = await CliProcess.run([command, '--help']);

    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: metricast ${command}\\b`));
    expect(stderr).toBe('');
  });

  it('is a program that can be run by its path, and knows its version', async () => {
    const { stdout } = await promisify(execFile)(CLI, ['--version']);

    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(stdout).toBe(`${version}\n`);
  });

  it.each([
    ['metricast: unknown command "fly" (see metricast --help)', ['fly']],
    ['metricast: unknown command "constructor" (see metricast --help)', ['constructor']],
    ['metricast: unknown option --verbose (see metricast --help)', ['--verbose', 'serve']],
    ['metricast serve: unknown option --port (see metricast serve --help)', ['serve', '--port', '80']],
    ['metricast serve: takes no arguments (see metricast serve --help)', ['serve', 'now']],
    ['metricast token: unknown option --role (see metricast token --help)', ['token', '--role=viewer']],
    ['metricast record: unknown option --uri (see metricast record --help)', ['record', 'x', '--uri=y', '--', 'true']],
  ])('refuses with one line and status 2: %s', async (line, args) => {
    expect(await CliProcess.run(args)).toEqual({ status: 2, stdout: '', stderr: `${line}\n` });
  });
});

// Starting a server takes its time where many do.
describe('metricast serve', { timeout: 60_000 }, () => {
  const scratch = () => {
    const directory = mkdtempSync(join(tmpdir(), 'metricast-cli-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  };

  it('serves as its environment says until it is told to stop', async () => {
    const server = CliProcess.start(['serve'], { PORT: '0', DATABASE_URL: 'sqlite:some.db' }, scratch());
    await server.printed('Watch it');
    const [, health] = /health +(http:\S+)/.exec(server.stdout)!;

    expect((await fetch(health!)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ status: 0, stderr: '' });
  });

  it('says in one line which variable keeps it from starting', async () => {
    const { status, stdout, stderr } = await CliProcess.start(['serve'], { PORT: 'http' }, scratch()).ended;

    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toMatch(/^PORT was "http"/);
  });
});
