import { readFileSync } from 'node:fs';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { STRUCTURE } from './openapi-structure.js';

const FILE = new URL('../../docs/openapi.json', import.meta.url);
const KEY = 'openapi';

export interface ApiContent {
  readonly schema?: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface ApiAnswer {
  readonly content?: Readonly<Record<string, ApiContent>>;
}

export interface ApiParameter extends ApiContent {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly content?: ApiAnswer['content'];
}

/** An operation, without references but those of its schemas. */
export interface ApiOperation {
  /** `GET /skills/{name}`. */
  readonly route: string;
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly description: string;
  /** The role that a token has to have. */
  readonly role: string | undefined;
  readonly parameters: readonly ApiParameter[];
  readonly body: ApiContent | undefined;
  /** By status. */
  readonly answers: Readonly<Record<string, ApiAnswer>>;
}

interface Document {
  readonly info: { readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Raw>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

interface Raw {
  readonly operationId: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, ApiContent>> };
  readonly responses: Readonly<Record<string, ApiAnswer>>;
}

/** `docs/openapi.json`, and what it says of what is sent and answered. */
export class OpenApi {
  readonly text = readFileSync(FILE, 'utf8');
  readonly document = JSON.parse(this.text) as Document;
  readonly #ajv = new Ajv2020({
    allErrors: true,
    allowUnionTypes: true,
    formats: {
      'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
      uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
    },
  });

  readonly #validators = new WeakMap<object, ValidateFunction>();

  constructor() {
    this.#ajv.addSchema({ $defs: rooted(this.document.components['schemas']!) }, KEY);
  }

  get operations(): ApiOperation[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, raw]) => this.#operation(path, method.toUpperCase(), raw)),
    );
  }

  operation(id: string): ApiOperation {
    return this.operations.find((one) => one.id === id)!;
  }

  /** Every reference of the document, to a component or to nothing. */
  get references(): string[] {
    const found: string[] = [];
    JSON.parse(this.text, (key, value: unknown) => {
      if (key === '$ref') found.push(value as string);
      return value;
    });
    return found;
  }

  /** Every component, as a reference would name it. */
  get components(): string[] {
    return Object.entries(this.document.components).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `#/components/${kind}/${name}`),
    );
  }

  /** How the document differs from what OpenAPI 3.1 has it be, as far as we use it. */
  get mistakes(): string[] {
    return this.differences(this.document, STRUCTURE);
  }

  /** How a value differs from a schema of the document. */
  differences(value: unknown, schema: object): string[] {
    let validate = this.#validators.get(schema);
    if (!validate) this.#validators.set(schema, (validate = this.#ajv.compile(rooted(schema))));
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message, params }) =>
      `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
    );
  }

  /** How an answer differs from what the operation may answer. */
  differencesOfAnswer(operation: ApiOperation, status: number, mediaType: string, body: unknown): string[] {
    const documented = operation.answers[status];
    if (!documented) return [`${operation.route} may not answer ${status}: ${JSON.stringify(body)}`];
    const plain = mediaType.split(';', 1)[0]!.trim();
    const content = documented.content?.[plain];
    if (!content) return documented.content || plain ? [`${operation.route} may not answer ${status} in ${plain}`] : [];
    const differences = content.schema ? this.differences(body, content.schema) : [];
    return differences.map((why) => `${operation.route} ${status}: ${why} in ${JSON.stringify(body)}`);
  }

  #operation(path: string, method: string, raw: Raw): ApiOperation {
    return {
      route: `${method} ${path}`,
      method,
      path,
      id: raw.operationId,
      tags: raw.tags,
      description: raw.description,
      role: raw.security?.find((one) => 'bearer' in one)?.['bearer']![0],
      parameters: (raw.parameters ?? []).map((parameter) => this.#resolve(parameter)),
      body: raw.requestBody?.content['application/json'],
      answers: Object.fromEntries(
        Object.entries(raw.responses).map(([status, answer]) => [status, this.#resolve(answer)]),
      ),
    };
  }

  #resolve<T extends object>(value: T | { readonly $ref: string }): T {
    if (!('$ref' in value)) return value;
    const [, , kind, name] = value.$ref.split('/');
    return this.document.components[kind!]![name!] as T;
  }
}

/** The examples of a body, of a parameter or of an answer. */
export function examplesOf({ example, examples = {} }: ApiContent): unknown[] {
  return [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)];
}

/** The path of an operation with the examples of its parameters. */
export function examplePath({ path, parameters }: ApiOperation, values: Readonly<Record<string, string>> = {}): string {
  return path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const parameter = parameters.find((one) => one.in === 'path' && one.name === name);
    return encodeURIComponent(values[name] ?? (parameter!.example as string));
  });
}

/** The schema with its references as they are from without the document: what is not a schema there is of no use here. */
function rooted(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/components/schemas/', `${KEY}#/$defs/`) : value,
  ) as object;
}
