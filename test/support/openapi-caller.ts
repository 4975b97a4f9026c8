import { type Platform, SECRET, TestApp, tokenWith } from './app.js';
import { type ApiOperation, type OpenApi, examplePath, examplesOf } from './openapi.js';

/** What one operation is called with. */
export interface Call {
  /** Absent: a token of an operator; null: none. */
  readonly token?: string | null;
  /** Of the parameters in the path, where the examples will not do. */
  readonly values?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it stands. */
  readonly body?: unknown;
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of it, or the text. */
  readonly body: unknown;
}

/** Calls operations as the document describes them, and notes every answer that differs from what it says. */
export class OpenApiCaller {
  readonly differences: string[] = [];

  private constructor(
    readonly app: TestApp,
    private readonly api: OpenApi,
  ) {}

  static async on(
    api: OpenApi,
    platform: Platform,
    options: Parameters<typeof TestApp.start>[0] = {},
  ): Promise<OpenApiCaller> {
    return new OpenApiCaller(await TestApp.start({ auth: { secret: SECRET }, ...options }, platform), api);
  }

  async call(operation: ApiOperation, call: Call = {}): Promise<Called> {
    const { token, values, query = exampleQuery(operation), headers, body } = call;
    const bearer = token === undefined ? this.token('operator') : token;
    const response = await fetch(`${this.app.url(examplePath(operation, values))}?${query}`, {
      method: operation.method,
      headers: {
        ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    });
    const mediaType = response.headers.get('content-type') ?? '';
    const text = await response.text();
    const answered = mediaType.startsWith('application/json') ? (JSON.parse(text) as unknown) : text;
    this.differences.push(...this.api.differencesOfAnswer(operation, response.status, mediaType, answered));
    return { status: response.status, headers: response.headers, body: answered };
  }

  /** Calls it with every example that it has, and returns the statuses. */
  async tryExamples(operation: ApiOperation): Promise<number[]> {
    const statuses: number[] = [];
    for (const body of operation.body ? examplesOf(operation.body) : [undefined]) {
      statuses.push((await this.call(operation, { body })).status);
    }
    return statuses;
  }

  /** Of the tenant that the examples are about. */
  token(...roles: string[]): string {
    return tokenWith({ tenant_id: 'acme', roles });
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

/** What must be said in the query, as its examples have it. */
function exampleQuery({ parameters }: ApiOperation): string {
  const required = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
  return required.map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`).join('&');
}
