import { describe, expect, it, test } from 'vitest';
import { statsTarget } from '../../../../src/feeds/tools/upstream-url.js';
import { readEnvironment } from '../../../../src/environment.js';
import { resolveOptions } from '../../../../src/metricast.options.js';

const NOT_URLS = [
  '',
  'localhost:8000',
  'ftp://host/stats',
  'file:///etc/passwd',
  '//host',
  'http://',
  'http://a:%zz@h',
];

describe('the address of the statistics', () => {
  it.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/stats'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/stats'],
    ['https://host/api/v1', 'https://host/api/v1/stats'],
    ['https://host/api/v1/', 'https://host/api/v1/stats'],
    ['https://host/stats', 'https://host/stats'],
    ['https://host/api/stats', 'https://host/api/stats'],
    ['https://host/mystats', 'https://host/mystats/stats'],
    ['https://host/api?key=1', 'https://host/api/stats?key=1'],
    ['https://host/stats?key=1#top', 'https://host/stats?key=1'],
  ])('of %s is %s', (url, href) => {
    expect(statsTarget(url)).toEqual({ href, authorization: undefined });
  });

  it('is without credentials, which go into a header', () => {
    expect(statsTarget('http://ada:p%40ss@host')).toEqual({
      href: 'http://host/stats',
      authorization: `Basic ${Buffer.from('ada:p@ss').toString('base64')}`,
    });
  });

  it.each(NOT_URLS)('of "%s" there is none', (url) => {
    expect(statsTarget(url)).toBeUndefined();
  });
});

describe('the option upstreams', () => {
  it('is nothing by default', () => {
    expect(resolveOptions().upstreams).toEqual({});
  });

  it.each(['embeddings', 'compression'])('may name the service of %s', (name) => {
    const upstreams = { [name]: 'http://ada:secret@127.0.0.1:8000' };
    expect(resolveOptions({ upstreams }).upstreams).toEqual(upstreams);
  });

  it.each(NOT_URLS)('refuses "%s", and does not repeat it', (url) => {
    expect(() => resolveOptions({ upstreams: { compression: url } })).toThrow(
      new Error('Metricast option upstreams.compression: it must be an http:// or https:// URL'),
    );
  });

  it('refuses a service that it does not know', () => {
    const upstreams = { workflows: 'http://host' } as object;
    expect(() => resolveOptions({ upstreams })).toThrow('Metricast option upstreams: may name embeddings, compression');
  });
});

test.each([
  ['UPSTREAM_EMBEDDINGS_URL', 'embeddings'],
  ['UPSTREAM_COMPRESSION_URL', 'compression'],
] as const)('%s sets the service of %s', (variable, name) => {
  const url = 'http://ada:secret@127.0.0.1:8000/stats';

  expect(readEnvironment({ [variable]: url }).metricast.upstreams).toEqual({
    embeddings: undefined,
    compression: undefined,
    [name]: url,
  });
  expect(() => readEnvironment({ [variable]: 'ftp://ada:secret@host' })).toThrow(
    `${variable} has 21 bytes: it must be an http:// or https:// URL`,
  );
});
