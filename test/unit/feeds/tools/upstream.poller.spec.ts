import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SourceError } from '../../../../src/feeds/tools/section.js';
import { statsTarget } from '../../../../src/feeds/tools/upstream-url.js';
import { type Answered, type Pace, UpstreamPoller } from '../../../../src/feeds/tools/upstream.poller.js';
import { type Answering, HttpStandIn } from '../../../support/http-stand-in.js';

const QUICK: Pace = { interval: 5, timeout: 10_000, backoff: [5] };
const STATS = { total: 1 };

let logged: string[];
let standIn: HttpStandIn;
let pollers: UpstreamPoller[];
let recorded: Answered[];

beforeEach(() => {
  logged = [];
  pollers = [];
  recorded = [];
  const write = (text: string) => logged.push(text.split('\n', 1)[0]!);
  Logger.overrideLogger({ log: write, warn: write, error: write });
});

afterEach(async () => {
  for (const poller of pollers) poller.stop();
  await standIn?.close();
});

function poll(
  url: string,
  pace: Partial<Pace> = {},
  record = async (answer: Answered): Promise<void> => void recorded.push(answer),
): UpstreamPoller {
  const poller = new UpstreamPoller('embeddings', statsTarget(url)!, { ...QUICK, ...pace }, record);
  pollers.push(poller);
  poller.start();
  return poller;
}

const pollStandIn = async (answer: Answering, pace: Partial<Pace> = {}) => {
  standIn = await HttpStandIn.start(answer);
  return poll(standIn.url, pace);
};

function reasonOf(poller: UpstreamPoller): string | undefined {
  try {
    poller.latest();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SourceError);
    return (error as SourceError).message;
  }
}

const requests = (count: number) => vi.waitFor(() => expect(standIn.received.length).toBeGreaterThanOrEqual(count));
const sees = (poller: UpstreamPoller, stats: object) => vi.waitFor(() => expect(poller.latest()).toEqual(stats));
const says = (poller: UpstreamPoller, reason: string) => vi.waitFor(() => expect(reasonOf(poller)).toBe(reason));
const json = (response: ServerResponse, value: unknown) => response.end(JSON.stringify(value));

describe('the poller of an upstream service', () => {
  it('asks at once, again and again, and shows the newest answer', async () => {
    let total = 0;
    const poller = await pollStandIn((_, response) => json(response, { total: ++total, nested: { rate: 0.5 } }));
    expect(reasonOf(poller)).toBe('not answered yet');

    await requests(4);
    await vi.waitFor(() => expect((poller.latest() as typeof STATS).total).toBeGreaterThanOrEqual(3));
    expect(poller.latest()).toMatchObject({ nested: { rate: 0.5 } });
    expect(standIn.received[0]).toMatchObject({ path: '/stats', headers: { accept: 'application/json' } });
    expect(recorded.map(({ stats }) => stats['total']).slice(0, 3)).toEqual([1, 2, 3]);
    expect(recorded.every(({ askedAt, answeredAt }) => askedAt <= answeredAt)).toBe(true);
  });

  it('tells who it is where the URL says so', async () => {
    standIn = await HttpStandIn.start((_, response) => json(response, STATS));
    await sees(poll(standIn.url.replace('//', '//ada:p%40ss@')), STATS);

    const authorization = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`;
    expect(standIn.received[0]!.headers).toMatchObject({ authorization });
  });

  const bad: [what: string, answer: Answering, reason: string][] = [
    ['an error', (_, response) => response.writeHead(503).end('{}'), 'answered 503'],
    ['a page that is not there', (_, response) => response.writeHead(404).end('{}'), 'answered 404'],
    ['nothing, politely', (_, response) => response.writeHead(204).end(), 'answered 204'],
    ['an empty text', (_, response) => response.end(), 'not a JSON object'],
    ['a page', (_, response) => response.end('<html>'), 'not a JSON object'],
    ['half an object', (_, response) => response.end('{"total":'), 'not a JSON object'],
    ['a list', (_, response) => response.end('[1]'), 'not a JSON object'],
    ['a number', (_, response) => response.end('7'), 'not a JSON object'],
    ['null', (_, response) => response.end('null'), 'not a JSON object'],
    ['no text at all', (_, response) => response.end(Buffer.from([0xff, 0xfe, 0x00])), 'not a JSON object'],
    ['depths', (_, response) => response.end(`{"a":${'['.repeat(32)}${']'.repeat(32)}}`), 'nested more than 32 deep'],
    [
      'abysses',
      (_, response) => response.end(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
      'nested more than 32 deep',
    ],
    ['too much', (_, response) => response.end(`{"a":"${'x'.repeat(65_530)}"}`), 'answered more than 64 KiB'],
    [
      'too much in a small parcel',
      (_, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(`{"a":"${'x'.repeat(5_000_000)}"}`)),
      'answered more than 64 KiB',
    ],
    ['a closed door', (_, response) => response.destroy(), 'connection lost'],
    [
      'a part, and then a closed door',
      (_, response) => {
        response.write('{"total":', () => response.destroy());
      },
      'connection lost',
    ],
  ];
  it.each(bad)('says what is wrong with a service that answers with %s', async (_what, answer, reason) => {
    const poller = await pollStandIn(answer);

    await says(poller, reason);
    await requests(2);
    expect(logged).toEqual([`upstream embeddings: ${reason}`]);
    expect(recorded).toEqual([]);
  });

  it('takes what is just small and flat enough', async () => {
    const flat = { a: JSON.parse('['.repeat(31) + ']'.repeat(31)) as unknown };
    const deep = JSON.stringify(flat);
    const large = `{"a":"${'x'.repeat(65_536 - 8)}"}`;
    await sees(await pollStandIn((_, response) => response.end(large)), JSON.parse(large) as object);
    await standIn.close();
    await sees(await pollStandIn((_, response) => response.end(deep)), flat);
  });

  it('does not follow a redirect', async () => {
    const other = await HttpStandIn.start((_, response) => json(response, STATS));
    const poller = await pollStandIn((_, response) => response.writeHead(302, { location: other.url }).end());

    await says(poller, 'answered 302');
    expect(other.received).toEqual([]);
    await other.close();
  });

  it('says where nobody listens, or what listens is not HTTP, without an address', async () => {
    const server = createServer((socket) => socket.resume().end('220 mail ready\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await says(poll(`http://ada:secret@127.0.0.1:${port}`), 'not an HTTP answer');
    server.close();
    await once(server, 'close');
    await says(poll(`http://ada:secret@127.0.0.1:${port}`), 'connection refused');
    await says(poll('http://ada:secret@host.invalid'), 'host not found');
    await says(poll('http://ada:secret@127.0.0.1:25'), 'port not allowed');
  });

  it('says that it does not trust a certificate that nobody vouches for', async () => {
    const tls = (name: string) => readFileSync(new URL(`../../../support/fixtures/tls/${name}.pem`, import.meta.url));
    const server = createTlsServer({ cert: tls('cert'), key: tls('key') }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;

    await says(poll(`https://127.0.0.1:${port}`), 'certificate not accepted');
  });

  it.each<[what: string, answer: Answering]>([
    ['never answers', () => undefined],
    ['never ends', (_, response) => response.write('{"total":1')],
    [
      'drips',
      (_, response) => {
        const drip = setInterval(() => response.write(' '), 1);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ])('gives a service up that %s, and lets go of it', async (_what, answer) => {
    let closed = 0;
    const poller = await pollStandIn(
      (received, response) => {
        response.on('close', () => closed++);
        return answer(received, response);
      },
      { timeout: 30 },
    );

    await says(poller, 'timed out');
    await requests(2);
    await vi.waitFor(() => expect(closed).toBeGreaterThanOrEqual(2));
  });

  it('lets go of an error that never ends', async () => {
    let isOver = false;
    const poller = await pollStandIn(
      (_, response) => {
        response.on('close', () => (isOver = true));
        response.writeHead(503).write('{');
      },
      { backoff: [60_000] },
    );

    await says(poller, 'answered 503');
    await vi.waitFor(() => expect(isOver).toBe(true));
  });

  it('lets go of a service that floods it', async () => {
    let written = 0;
    let isOver = false;
    const flood = (response: ServerResponse): void => {
      written += 65_536;
      response.write('x'.repeat(65_536), () => flood(response));
    };
    const poller = await pollStandIn(
      (_, response) => {
        response.on('close', () => (isOver = true));
        flood(response);
      },
      { backoff: [60_000] },
    );

    await says(poller, 'answered more than 64 KiB');
    await vi.waitFor(() => expect(isOver).toBe(true));
    // What was under way in the buffers of two sockets is more than the limit, and no flood.
    expect(written).toBeLessThan(50_000_000);
  });

  it('has one request at a time, however slow the service is', async () => {
    let [open, most] = [0, 0];
    const poller = await pollStandIn((_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        json(response, STATS);
      }, 15);
    });

    await requests(4);
    await sees(poller, STATS);
    expect(most).toBe(1);
  });

  it('sees that a service goes away, and that it comes back', async () => {
    const poller = await pollStandIn((_, response) => json(response, STATS));
    await sees(poller, STATS);
    await standIn.close();
    await vi.waitFor(() => expect(reasonOf(poller)).toMatch(/^connection (lost|refused)$/));
    await says(poller, 'connection refused');
    standIn = await HttpStandIn.start((_, response) => json(response, { total: 2 }), standIn.port);

    await sees(poller, { total: 2 });
    expect(logged).toHaveLength(2);
    expect(logged[1]).toBe('upstream embeddings answers again');
  });

  it('waits longer after each failure, up to the last pause, and begins again after an answer', async () => {
    const backoff = [21, 34, 55];
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    const answers = [500, 500, 500, 500, 500, 200, 500, 500, 200];
    await pollStandIn((_, response) => response.writeHead(answers[standIn.received.length - 1] ?? 200).end('{}'), {
      backoff,
    });
    await requests(answers.length);

    const pauses = timers.mock.calls.map(([, delay]) => delay!).filter((delay) => backoff.includes(delay));
    expect(pauses).toEqual([21, 34, 55, 55, 55, 21, 34]);
  });

  it('shows no answer that is out of date', async () => {
    const poller = await pollStandIn((_, response) => json(response, STATS), { interval: 5000, timeout: 1000 });
    await sees(poller, STATS);
    const now = performance.now();

    vi.spyOn(performance, 'now').mockReturnValue(now + 15_900);
    expect(reasonOf(poller)).toBeUndefined();
    vi.spyOn(performance, 'now').mockReturnValue(now + 16_100);
    expect(reasonOf(poller)).toBe('not answered for too long');
    vi.restoreAllMocks();
  });

  it('goes on while an answer is being recorded, and records the next one after it', async () => {
    standIn = await HttpStandIn.start((_, response) => json(response, { total: standIn.received.length }));
    let finish!: () => void;
    const poller = poll(standIn.url, {}, async (answer) => {
      recorded.push(answer);
      if (recorded.length === 1) await new Promise<void>((resolve) => (finish = resolve));
    });
    await requests(5);
    await vi.waitFor(() => expect((poller.latest() as typeof STATS).total).toBeGreaterThanOrEqual(4));
    expect(recorded).toHaveLength(1);
    finish();

    await vi.waitFor(() => expect(recorded.length).toBeGreaterThan(1));
    expect(recorded[1]!.stats['total']).toBeGreaterThanOrEqual(5);
  });

  it('logs that an answer cannot be recorded, and shows it all the same', async () => {
    standIn = await HttpStandIn.start((_, response) => json(response, STATS));
    const poller = poll(standIn.url, { interval: 60_000 }, () => Promise.reject(new Error('full')));
    await sees(poller, STATS);

    await vi.waitFor(() => expect(logged).toEqual(['upstream embeddings could not be recorded: Error: full']));
  });

  it('ends what is under way when it is stopped, and asks no more', async () => {
    let closed = 0;
    const poller = await pollStandIn((_, response) => void response.on('close', () => closed++));
    await requests(1);
    poller.stop();
    await vi.waitFor(() => expect(closed).toBe(1));

    expect(reasonOf(poller)).toBe('not answered yet');
    expect(logged).toEqual([]);
    // Another poller's requests pass meanwhile.
    const other = await HttpStandIn.start((_, response) => json(response, STATS));
    poll(other.url);
    await vi.waitFor(() => expect(other.received.length).toBeGreaterThan(5));
    await other.close();
    expect(standIn.received).toHaveLength(1);
  });
});
