import { type Answer, type TestApp, tokenWith } from './app.js';

export type Verb = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

/** Somebody who asks a server by REST, with every verb there is, and a token with these claims. */
export class RestClient {
  readonly token: string;

  constructor(
    private readonly app: TestApp,
    claims: Record<string, unknown>,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    this.token = tokenWith(claims);
  }

  get(path: string): Promise<Answer> {
    return this.ask('GET', path);
  }

  put(path: string, body: unknown): Promise<Answer> {
    return this.ask('PUT', path, body);
  }

  patch(path: string, body: unknown): Promise<Answer> {
    return this.ask('PATCH', path, body);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.ask('POST', path, body);
  }

  delete(path: string): Promise<Answer> {
    return this.ask('DELETE', path);
  }

  /** A body that is a string is sent as it stands. */
  async ask(method: Verb, path: string, body?: unknown, mediaType = 'application/json'): Promise<Answer> {
    const response = await fetch(this.app.url(path), {
      method,
      headers: {
        ...this.headers,
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': mediaType }),
      },
      body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text || '{}') as Answer['body'] };
  }
}
