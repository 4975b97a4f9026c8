import type { Answer, TestApp } from './app.js';
import type { TestTenant } from './test-tenant.js';

/** Asks a server for what it shows of a tenant, with a token of that tenant. */
export class RestReader {
  constructor(
    private readonly app: TestApp,
    private readonly tenant: TestTenant,
    private readonly claims: Record<string, unknown> = {},
  ) {}

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = `Bearer ${this.tenant.token({ roles: ['viewer'], ...this.claims })}`;
    const response = await fetch(this.app.url(path), { headers: { authorization, ...headers } });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text || '{}') as Answer['body'] };
  }

  /** The items of a list, a page after the other. */
  async *pages(path: string, limit: number): AsyncGenerator<Record<string, unknown>[]> {
    for (let cursor: unknown = ''; cursor !== null;) {
      const { status, body } = await this.get(`${path}?limit=${limit}${cursor ? `&cursor=${cursor as string}` : ''}`);
      if (status !== 200) throw new Error(JSON.stringify(body));
      yield body['items'] as Record<string, unknown>[];
      cursor = body['next_cursor'];
    }
  }
}

/** The shape of every 404. */
export const NOT_FOUND = { status: 404, body: { statusCode: 404, code: 'not_found', message: 'Not found' } };
