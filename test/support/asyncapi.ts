import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';

const FILE = new URL('../../docs/asyncapi.yaml', import.meta.url);

export interface ApiMessage {
  readonly payload: object;
  readonly examples: readonly { readonly payload: Record<string, unknown> }[];
}

interface Bound {
  readonly bindings?: Readonly<
    Record<string, { readonly query: { readonly properties: Record<string, ApiParameter> } }>
  >;
}

export interface ApiParameter {
  readonly default?: string;
  readonly allOf?: readonly [{ readonly enum: readonly string[] }];
}

export interface ApiChannel extends Bound {
  readonly address: string;
  readonly messages: Readonly<Record<string, ApiMessage>>;
}

interface ApiOperation extends Bound {
  readonly action: 'send' | 'receive';
  readonly channel: ApiChannel;
  readonly messages: readonly ApiMessage[];
  readonly reply?: { readonly messages: readonly ApiMessage[] };
}

/** The JSON of the document. The parser resolves references, so that what is one thing is one object. */
interface ApiDocument {
  readonly info: { readonly version: string };
  readonly channels: Readonly<Record<string, ApiChannel>>;
  readonly operations: Readonly<Record<string, ApiOperation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, ApiMessage>>;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

/** `docs/asyncapi.yaml`, and what it says of a message. Messages have the names that they have in its components. */
export class AsyncApi {
  readonly #names: ReadonlyMap<ApiMessage, string>;
  readonly #ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    formats: { 'date-time': true, uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/ },
    keywords: ['x-parser-schema-id'],
  });

  private constructor(
    readonly document: ApiDocument,
    /** What the parser has against it. */
    readonly mistakes: readonly string[],
  ) {
    this.#names = new Map(Object.entries(document.components.messages).map(([name, message]) => [message, name]));
  }

  static async read(): Promise<AsyncApi> {
    const { document, diagnostics } = await new Parser().parse(await readFile(FILE, 'utf8'));
    const lines = diagnostics
      // That there are newer versions of AsyncAPI is no mistake.
      .filter(({ code }) => code !== 'asyncapi-latest-version')
      .map(({ path, message }) => `${path.join('.')}: ${message}`);
    if (!document) throw new Error(lines.join('\n'));
    return new AsyncApi(document.json() as unknown as ApiDocument, lines);
  }

  get messages(): readonly [name: string, message: ApiMessage][] {
    return Object.entries(this.document.components.messages);
  }

  /** The channel at this address. */
  channelAt(address: string): ApiChannel | undefined {
    return Object.values(this.document.channels).find((channel) => channel.address === address);
  }

  /** The query parameters with which a channel can be opened: of the channel itself, or of the request that opens it. */
  queryOf(channel: ApiChannel): Readonly<Record<string, ApiParameter>> {
    const bound = [channel, ...this.#operationsOf(channel)].flatMap(({ bindings }) => Object.values(bindings ?? {}));
    return bound[0]?.query.properties ?? {};
  }

  /** Every message of a channel. */
  messagesOf(channel: ApiChannel): string[] {
    return this.#namesOf(Object.values(channel.messages));
  }

  /** What the server sends on a channel, unasked or in reply. */
  sentOn(channel: ApiChannel): string[] {
    return this.#exchanged(channel, 'send', 'receive');
  }

  /** What clients send on a channel, unasked or in reply. */
  receivedOn(channel: ApiChannel): string[] {
    return this.#exchanged(channel, 'receive', 'send');
  }

  /** How a message differs from the one of this name. */
  differences(message: unknown, name: string): string[] {
    const documented = this.document.components.messages[name];
    return documented ? this.#differences(message, documented.payload) : [`no message is named ${name}`];
  }

  /** How a part of a message differs from the schema of this name. */
  differencesOfPart(part: unknown, schema: string): string[] {
    return this.#differences(part, this.document.components.schemas[schema]!);
  }

  #differences(value: unknown, schema: object): string[] {
    // Compiled once for each schema: the validator knows them by identity.
    const validate = this.#ajv.compile(schema);
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message, params }) =>
      `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
    );
  }

  #exchanged(channel: ApiChannel, unasked: ApiOperation['action'], asked: ApiOperation['action']): string[] {
    const messages = this.#operationsOf(channel).flatMap(({ action, messages: own, reply }) => {
      // An operation that names no messages is for all of its channel.
      if (action === unasked) return own ?? Object.values(channel.messages);
      return action === asked ? (reply?.messages ?? []) : [];
    });
    return this.#namesOf(messages);
  }

  #operationsOf(channel: ApiChannel): ApiOperation[] {
    return Object.values(this.document.operations).filter((operation) => operation.channel === channel);
  }

  #namesOf(messages: readonly ApiMessage[]): string[] {
    return [...new Set(messages.map((message) => this.#names.get(message) ?? 'a message without a name'))].sort();
  }
}
