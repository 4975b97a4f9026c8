/** What an origin is, in words. */
export const ORIGIN_FORM = 'scheme://host or scheme://host:port';

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/\\?#@*]+$/i;

/** Returns the value as a browser would write it in `Origin` (RFC 6454): in lower case, without the usual port of its scheme. */
export function parseOrigin(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 300 || !ORIGIN.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.host === '') return undefined;
  // Only of some schemes does the URL's own `origin` say anything; an extension's, for one, is not among them.
  return `${url.protocol}//${url.host.toLowerCase()}`;
}
