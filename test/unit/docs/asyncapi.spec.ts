import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, type DialectName } from '../../../src/dialects/index.js';
import { DEFAULT_ENDPOINTS } from '../../../src/metricast.options.js';
import { MetricastError } from '../../../src/protocol/index.js';
import { AsyncApi } from '../../support/asyncapi.js';
import { greetingWith } from '../../support/greetings.js';
import type { Heard } from '../../support/listener.js';
import { recordTraffic } from '../../support/traffic.js';

const STREAM = '/stream/metrics';
/** Types of frames that a dialect may know. */
const TYPES = [
  ...['subscribe', 'unsubscribe', 'ping', 'pong', 'request_metrics', 'get_history', 'refresh', 'presence'],
  ...['authenticate', 'watch_events', 'unwatch_events', 'request_state', 'settings'],
];

let api: AsyncApi;
beforeAll(async () => {
  api = await AsyncApi.read();
});

describe('docs/asyncapi.yaml', () => {
  it('is AsyncAPI 3 without a mistake', () => expect(api.mistakes).toEqual([]));

  it('is of the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(api.document.info.version).toBe(version);
  });

  it('has examples of every message, which are as it says', () => {
    for (const [name, { examples }] of api.messages) {
      expect(examples, name).not.toEqual([]);
      for (const { payload } of examples) expect(api.differences(payload, name), name).toEqual([]);
    }
  });

  it('has a channel for every endpoint, and for no other', () => {
    const addresses = Object.values(api.document.channels).map(({ address }) => address);
    expect(addresses.sort()).toEqual([...Object.keys(DEFAULT_ENDPOINTS), STREAM].sort());
  });

  it('says of every endpoint what it speaks, and of what else it can', () => {
    const spoken = Object.entries({ ...DEFAULT_ENDPOINTS, [STREAM]: 'tools' });
    for (const [address, dialect] of spoken) {
      const parameter = api.queryOf(api.channelAt(address)!)['dialect'];
      expect(parameter, address).toMatchObject({ default: dialect, allOf: [{ enum: Object.keys(DIALECTS) }] });
    }
    expect(new Set(Object.values(DEFAULT_ENDPOINTS))).toEqual(new Set(Object.keys(DIALECTS)));
  });

  it('has an operation for every message of a channel', () => {
    for (const channel of Object.values(api.document.channels)) {
      const exchanged = new Set([...api.sentOn(channel), ...api.receivedOn(channel)]);
      expect([...exchanged].sort(), channel.address).toEqual(api.messagesOf(channel));
    }
  });

  it('streams what the dialects send, but for the answers to what a stream cannot ask', () => {
    const dialects = Object.keys(DEFAULT_ENDPOINTS).flatMap((address) => api.sentOn(api.channelAt(address)!));
    const unasked = new Set([...dialects, 'streamEnd']);
    for (const answer of ANSWERS) expect(unasked.delete(answer), answer).toBe(true);
    expect(api.sentOn(api.channelAt(STREAM)!)).toEqual([...unasked].sort());
  });
});

/** Answers to commands that an address cannot give. */
const ANSWERS = [
  ...[
    'pong',
    'channelsHistory',
    'channelsPong',
    'channelsPresence',
    'channelsRefreshed',
    'channelsUnsubscribed',
    'skillsSubscribed',
    'skillsUnsubscribed',
  ],
  ...['workspacePong', 'workspaceUnsubscribed', 'workspaceRequestedMetrics'],
];

describe.each(Object.entries(DEFAULT_ENDPOINTS))('what clients send to %s', (address, name) => {
  const dialect = DIALECTS[name];
  const documented = () =>
    api.receivedOn(api.channelAt(address)!).map((message) => api.document.components.messages[message]!);

  it('is taken as the examples have it', () => {
    for (const { payload } of documented().flatMap(({ examples }) => examples)) dialect.parse(payload);
  });

  it('is all that is taken', () => {
    const types = documented().flatMap(({ examples }) =>
      examples.map(({ payload }) => (payload['type'] as string | undefined) ?? 'a token'),
    );
    expect([...new Set(types)].sort()).toEqual(typesOf(name));
  });
});

describe.each(Object.entries(DEFAULT_ENDPOINTS))('the address of %s', (address, name) => {
  it('has the parameters that everybody reads, and those that its dialect reads', () => {
    const read = new Set(['dialect', 'token', 'tenant_id', 'workspace_id', 'workspaceId']);
    const query = {
      get: (parameter: string) => (read.add(parameter), null),
      getAll: (parameter: string) => (read.add(parameter), ['null']),
    };
    DIALECTS[name].open(query);
    DIALECTS[name].greet(greetingWith({ query }));

    expect(Object.keys(api.queryOf(api.channelAt(address)!)).sort()).toEqual([...read].sort());
    expect(Object.keys(api.queryOf(api.channelAt(STREAM)!))).toEqual(expect.arrayContaining([...read]));
  });
});

/** The types of frames that a dialect takes, well-formed or not. */
function typesOf(name: DialectName): string[] {
  const isTaken = (frame: Record<string, unknown>) => {
    try {
      DIALECTS[name].parse(frame);
      return true;
    } catch (error) {
      return !['unknown_type', 'not_supported'].includes(MetricastError.from(error).code);
    }
  };
  const taken = TYPES.filter((type) => isTaken({ type }));
  return [...taken, ...(isTaken({ token: 'x' }) ? ['a token'] : [])].sort();
}

describe('what a server really sends', () => {
  let heard: readonly Heard[];
  beforeAll(async () => {
    heard = await recordTraffic();
  });

  it('is as the document says, to the field', () => {
    const differing = heard.flatMap(({ transport, dialect, message, claim }) =>
      api
        .differences(message, claim)
        .map((why) => `${dialect} by ${transport}, ${claim}: ${why} in ${JSON.stringify(message)}`),
    );
    expect(differing).toEqual([]);
  });

  it.each(Object.entries(DEFAULT_ENDPOINTS))('on %s is all that the document says, and no more', (address, dialect) => {
    expect(claims('websocket', dialect)).toEqual(api.sentOn(api.channelAt(address)!));
  });

  it('on a stream is all that the document says, and no more', () => {
    expect(claims('sse')).toEqual(api.sentOn(api.channelAt(STREAM)!));
  });

  it('of recorded usage has the sections that are closed, where no service has a say', () => {
    const narrowed = heard.filter(({ claim, message }) => claim === 'toolsMetrics' && message['tool_id'] !== null);
    expect(narrowed).not.toEqual([]);
    for (const { message } of narrowed) {
      const { embeddings, compression } = message['data'] as Record<string, unknown>;
      expect(api.differencesOfPart(embeddings, 'RecordedEmbeddings')).toEqual([]);
      expect(api.differencesOfPart(compression, 'RecordedCompression')).toEqual([]);
    }
  });

  function claims(transport: Heard['transport'], dialect?: DialectName): string[] {
    const own = heard.filter((one) => one.transport === transport && (dialect ?? one.dialect) === one.dialect);
    return [...new Set(own.map(({ claim }) => claim))].sort();
  }
});
