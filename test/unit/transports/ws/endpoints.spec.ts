import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Endpoint, EndpointTable } from '../../../../src/transports/ws/endpoints.js';
import { PlainDialect } from '../../../support/plain-dialect.js';

const DIALECTS = { channels: new PlainDialect('channels'), skills: new PlainDialect('skills') };
const table = new EndpointTable({ '/ws/metrics': 'channels', '/ws/skills': 'skills', '/': 'skills' }, DIALECTS);

function request(url: string, ...subprotocols: string[]): IncomingMessage {
  const headers = subprotocols.length > 0 ? { 'sec-websocket-protocol': subprotocols.join(', ') } : {};
  return { url, headers } as IncomingMessage;
}

function find(url: string, ...subprotocols: string[]): Endpoint {
  const found = table.find(request(url, ...subprotocols));
  if ('status' in found) expect.fail(`refused with ${found.status}`);
  return found;
}

describe('the table of endpoints', () => {
  test('knows its paths, and no others', () => {
    expect(table.paths).toEqual(['/ws/metrics', '/ws/skills', '/']);
    for (const url of ['/ws/metrics', '/ws/metrics/', '/ws/metrics?a=/b', '/ws/metrics/?', '/', '/?x']) {
      expect(table.has(request(url)), url).toBe(true);
    }
    for (const url of ['/ws', '/ws/metrics/more', '/WS/metrics', '/ws/metrics//', '/toString', '']) {
      expect(table.has(request(url)), url).toBe(false);
      expect(table.find(request(url)), url).toEqual({ status: 404 });
    }
  });

  test('takes a path with a slash at its end for the one without', () => {
    const slashed = new EndpointTable({ '/ws/': 'skills' }, DIALECTS);
    for (const url of ['/ws', '/ws/']) expect(slashed.has(request(url)), url).toBe(true);
  });

  test.each<[dialect: string, url: string, ...subprotocols: string[]]>([
    ['channels', '/ws/metrics'],
    ['skills', '/ws/skills'],
    ['skills', '/'],
    ['skills', '/ws/metrics?dialect=skills'],
    ['channels', '/ws/skills?tenant_id=acme&dialect=channels'],
    ['skills', '/ws/metrics', 'metricast.skills'],
    ['skills', '/ws/metrics?dialect=channels', 'metricast.skills'],
    ['skills', '/ws/metrics?dialect=nonsense', 'metricast.skills'],
    ['channels', '/ws/skills', 'graphql-ws', 'metricast.channels', 'metricast.skills'],
    ['channels', '/ws/skills', 'metricast.nonsense', 'metricast.channels'],
    ['channels', '/ws/metrics', 'metricast.nonsense'],
    ['channels', '/ws/metrics', 'metricast.toString'],
    ['channels', '/ws/metrics', 'skills'],
  ])('gives %s to %s %s', (dialect, url, ...subprotocols) => {
    expect(find(url, ...subprotocols).dialect.name).toBe(dialect);
  });

  test.each(['nonsense', '', 'toString', '__proto__', 'Skills'])('refuses the dialect %j of a query', (dialect) => {
    expect(table.find(request(`/ws/metrics?dialect=${dialect}`))).toEqual({ status: 400 });
  });

  test.each<[confirmed: string | undefined, ...offered: string[]]>([
    [undefined],
    [undefined, 'graphql-ws'],
    [undefined, 'metricast.nonsense'],
    ['metricast.skills', 'metricast.skills'],
    ['metricast.skills', 'bearer.abc', 'graphql-ws', 'metricast.skills'],
    ['bearer.abc', 'bearer.abc'],
    ['bearer.abc', 'graphql-ws', 'bearer.abc', 'metricast.nonsense'],
  ])('confirms %s of what is offered', (confirmed, ...offered) => {
    expect(find('/ws/metrics', ...offered).subprotocol).toBe(confirmed);
  });

  test.each<[token: string | undefined, url: string, ...offered: string[]]>([
    [undefined, '/ws/metrics'],
    ['abc', '/ws/metrics?token=abc'],
    ['', '/ws/metrics?token='],
    ['abc', '/ws/metrics', 'bearer.abc'],
    ['abc.def.ghi', '/ws/metrics', 'metricast.skills', 'bearer.abc.def.ghi'],
    ['', '/ws/metrics', 'bearer.'],
    ['abc', '/ws/metrics?token=query', 'bearer.abc'],
    ['', '/ws/metrics?token=query', 'bearer.'],
    ['a+b c', '/ws/metrics?token=a%2Bb+c'],
  ])('takes the token %j of a handshake', (token, url, ...offered) => {
    expect(find(url, ...offered).token).toBe(token);
  });

  test('keeps the whole query, question marks in it too', () => {
    const { query } = find('/ws/metrics?a=1&tenant_id=acme?x&a=2');
    expect([...query]).toEqual([
      ['a', '1'],
      ['tenant_id', 'acme?x'],
      ['a', '2'],
    ]);
  });
});
