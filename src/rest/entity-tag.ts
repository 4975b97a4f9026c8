import { hash } from 'node:crypto';

/** What `ETag` says of a text. Weak, because what stands between us and the client may compress it (RFC 9110, 8.8.1). */
export function entityTagOf(text: string): string {
  return `W/"${hash('sha256', text, 'base64url')}"`;
}

/** True where an `If-None-Match` header says that the client has what this tag is of (RFC 9110, 13.1.2). */
export function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  // Weak and strong are one here, and no tag of ours holds a comma.
  const opaque = (one: string) => one.trim().replace(/^W\//, '');
  return header.trim() === '*' || header.split(',').some((one) => opaque(one) === opaque(tag));
}
