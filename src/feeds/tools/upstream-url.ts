/** Where an upstream service's statistics are asked for. */
export interface StatsTarget {
  readonly href: string;
  /** The header for the URL's credentials, which `fetch` does not take in the URL. */
  readonly authorization: string | undefined;
}

/** What the URL of an upstream service has to be, in words. */
export const UPSTREAM_URL_FORM = 'an http:// or https:// URL';

export function isUpstreamUrl(value: unknown): value is string {
  return typeof value === 'string' && statsTarget(value) !== undefined;
}

/** `/stats` below the URL, or the URL itself where it ends so; `undefined` where it is none. */
export function statsTarget(value: string): StatsTarget | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  const authorization = authorizationOf(url);
  if (authorization === undefined) return undefined;
  url.username = '';
  url.password = '';
  url.hash = '';
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/stats') ? path : `${path}/stats`;
  return { href: url.href, authorization: authorization ?? undefined };
}

/** Basic authentication (RFC 7617); null for none, `undefined` for credentials that cannot be decoded. */
function authorizationOf({ username, password }: URL): string | null | undefined {
  if (!username && !password) return null;
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    return undefined;
  }
}
