import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** Headers that a proxy adds: behind one, everybody arrives from the proxy's own address. */
const PROXY_HEADER = /^(forwarded|x-forwarded-.*|x-real-ip|via|cf-.*)$/;
/** What a browser says of a request that another site's page made, which need not say its origin: an image, for one. */
const OF_OTHER_SITES = ['cross-site', 'same-site'];

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/**
 * True for a request that was made on this machine, for this machine. That it arrived on loopback does not say so: a
 * page from anywhere, open in a browser here, may connect to any port of loopback, either as itself (which `Origin`
 * tells) or under a name that leads here since a moment ago (which `Host` tells); and a proxy passes on everybody. One that does
 * not say that it is a proxy cannot be told apart: behind any proxy, a key has to be configured.
 */
export function isLocalRequest(headers: IncomingHttpHeaders): boolean {
  const { host, origin, 'sec-fetch-site': site } = headers;
  if (Object.keys(headers).some((name) => PROXY_HEADER.test(name))) return false;
  if (origin === undefined && OF_OTHER_SITES.includes(String(site))) return false;
  return isLocalName(`http://${host ?? ''}`) && (origin === undefined || isLocalName(origin));
}

function isLocalName(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name);
}
