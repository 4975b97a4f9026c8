import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, tokenWith } from '../support/app.js';
import { Scratch } from '../support/host.js';
import { HttpStandIn } from '../support/http-stand-in.js';
import { RawHttp } from '../support/raw-http.js';
import { ServerProcess } from '../support/server-process.js';
import { WireClient } from '../support/wire-client.js';

/** Stands in everything that is sent, and must stand in nothing that is logged. */
const MARK = 'canary';
/** What could make a log lie: ends of lines, escapes of terminals, what turns the direction of reading, an entry of its own. */
const HOSTILE = [
  `${MARK}\r\n{"level":"error","message":"${MARK}"}`,
  `${MARK}\u001b[31m\u009b2J`,
  `${MARK}\0\u007f\u0085`,
  `${MARK}\u202e\u2066\u2028\u2029`,
  `${MARK}\ud800`,
  `%s%n%d ${MARK} \${jndi:${MARK}} __proto__`,
];
const TEXT = expect.any(String) as string;
const DECEIVING = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

describe('the log of a server', { timeout: 60_000 }, () => {
  const scratch = new Scratch();
  const tokens = [tokenWith({ sub: MARK }), tokenWith({ sub: MARK }, 'another secret, of 32 bytes or more!')];
  let server: ServerProcess;
  let upstream: HttpStandIn;

  beforeAll(async () => {
    upstream = await HttpStandIn.start((_request, response) => {
      response.writeHead(500, `${MARK} no`, { 'x-answer': MARK });
      response.end(HOSTILE.join('\n'));
    });
    const variables = {
      JWT_SECRET_KEY: SECRET,
      LOG_LEVEL: 'verbose',
      UPSTREAM_EMBEDDINGS_URL: `${upstream.url}/${MARK}`,
      // Whoever is refused before they are heard leaves no trace that could be wrong.
      MAX_FAILED_AUTHENTICATIONS_PER_ADDRESS: '0',
      REST_RATE_LIMIT_PER_MINUTE: '0',
    };
    server = await ServerProcess.up(variables, scratch.directory);
  });
  afterAll(async () => {
    await server.stop();
    await upstream.close();
    scratch.remove();
  });

  /** All lines but the words for the user, with which it says that it is up. */
  const entries = () =>
    [server.stdout.replace(/^Metricast is up\.$[^]*?wscat.*$|^Watch it:$/m, ''), server.stderr]
      .flatMap((text) => text.split('\n'))
      .filter((line) => line !== '');

  /** Each as JSON. @throws where one is not, or holds what could deceive who reads it, or a token. */
  const read = () =>
    entries().map((line) => {
      expect(line).not.toMatch(DECEIVING);
      for (const token of tokens) for (const part of token.split('.').slice(1)) expect(line).not.toContain(part);
      return JSON.parse(line) as Readonly<Record<string, unknown>>;
    });

  it('is an object a line, without a token and without anything that was sent, whatever was', async () => {
    for (const token of tokens) {
      await sendFrames(token);
      await sendRequests(token);
    }
    await sendBrokenBytes();
    // Verbose as it is, it tells of peers that break the protocol: what it says of them is read here.
    await server.printed('A peer broke the protocol');
    await server.printedError('upstream embeddings');

    const said = read();
    expect(said.length).toBeGreaterThan(20);
    for (const entry of said)
      expect(entry).toMatchObject({ level: TEXT, timestamp: expect.any(Number), message: TEXT });
    expect(entries().join()).not.toContain(MARK);
    expect((await fetch(server.url('/health'))).status).toBe(200);
  });

  it('is as safe where the database says what was sent', async () => {
    const words = `FROM BELOW\n{"level":"fatal"}\r\u001b[31m\u009b\u007f\u202e\u2028 ${tokens[0]}`;
    const database = new Database(scratch.file('data/metricast.db'));
    database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON metricast_skill_invocation
      BEGIN SELECT RAISE(ABORT, '${words}'); END`);
    database.close();
    const answer = await fetch(server.url('/ingest/skills'), {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[0]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ skill_name: 'lint', completed: true }),
    });
    expect(answer.status).toBe(503);
    await server.printedError('FROM BELOW');

    const [entry] = read().filter(({ message }) => (message as string).includes('FROM BELOW'));
    expect(entry).toMatchObject({ level: 'error', context: 'WriteQueue' });
    expect(entry!['message']).toContain('FROM BELOW�{"level":"fatal"}��[31m���� [token]');
    expect(read().filter(({ level }) => level === 'fatal')).toEqual([]);
  });

  /** Every dialect, in the address and in frames. */
  async function sendFrames(token: string): Promise<void> {
    for (const path of ['/ws/metrics', '/ws', '/ws/skills', '/ws/tools', '/ws/routing']) {
      for (const text of HOSTILE) {
        const word = encodeURIComponent(Buffer.from(text).toString());
        const query = `token=${token}&tool_id=${word}&channels=${word}&tags=${word}&${word}=${word}`;
        const client = await WireClient.open(server.url(`${path}?${query}`, 'ws'));
        client.send({ type: text, id: text, channel: text, data: { channels: [text], tags: { [text]: text } } });
        client.send({ type: 'subscribe', skill: text, event_types: [text], data: { channels: [text] } });
        client.send({ type: 'presence', data: { channel: text } });
        client.send({ token: text });
        client.sendRaw(text);
        client.sendRaw(Buffer.from(text));
        await client.closed;
      }
    }
  }

  async function sendRequests(token: string): Promise<void> {
    const authorization = `Bearer ${token}`;
    for (const text of HOSTILE) {
      const word = encodeURIComponent(Buffer.from(text).toString());
      for (const path of [
        '/skills/',
        '/channels/',
        '/admin/connections/',
        '/',
        '/stream/metrics?token=',
        '/ws?token=',
      ]) {
        const answer = await fetch(server.url(`${path}${word}?tenant_id=${word}&token=${token}&cursor=${word}`), {
          headers: { authorization, 'user-agent': MARK, origin: `https://${MARK}.example`, 'x-forwarded-for': MARK },
        });
        await answer.body?.cancel();
      }
      for (const what of ['skills', 'metrics', 'executions', 'alerts', 'usage', 'decisions']) {
        for (const body of [
          text,
          JSON.stringify([{ [text]: text, skill_name: text, id: text, name: text, type: text }]),
        ]) {
          const headers = { authorization, 'content-type': 'application/json' };
          await (await fetch(server.url(`/ingest/${what}`), { method: 'POST', headers, body })).text();
        }
      }
    }
  }

  /** What no library would send. */
  async function sendBrokenBytes(): Promise<void> {
    for (const text of HOSTILE) {
      const raw = await RawHttp.open(server.port);
      raw.socket.write(`GET /${text} HTTP/1.1\r\nHost: ${MARK}\r\n${text}: ${text}\r\n\r\n`);
      raw.socket.end();
      await raw.closed;
    }
    const upgraded = await RawHttp.open(server.port);
    const headers = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    upgraded.send(
      `GET /ws/metrics?token=${tokens[0]} HTTP/1.1`,
      ...headers,
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    );
    await upgraded.until('welcome');
    upgraded.socket.write(Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.from(HOSTILE.join(''))]));
    await upgraded.closed;
  }
});
