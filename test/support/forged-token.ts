import { createHmac } from 'node:crypto';
import { SECRET, secondsFromNow } from './app.js';

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token put together by hand, of any header and claims; with the secret's own signature where none is given. */
export function forgedToken(header: object = {}, claims: object = {}, signature?: string): string {
  const head = encoded({ alg: 'HS256', typ: 'JWT', ...header });
  const body = encoded({ sub: 'mallory', tenant_id: 'acme', exp: secondsFromNow(60), ...claims });
  const signed = `${head}.${body}`;
  return `${signed}.${signature ?? createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
