import { ORIGIN_FORM } from '../protocol/index.js';
import { parseAllowedOrigin } from './origins.js';
import { TRUST_PROXY_FORM, type TrustProxy, isTrustProxy } from './trust-proxy.js';

/** Whom the server lets in, and how much of them. What a tenant may use is in its settings. */
export interface LimitOptions {
  /** Connections that one address may have open; 0 for no limit. Default 0: behind a proxy, many share one. */
  readonly maxConnectionsPerAddress?: number;
  /**
   * How many wrong tokens may come from one address in a minute; 0 for no limit. Default 30. Any other gets 429 until the
   * minute is over; valid ones are let in.
   */
  readonly maxFailedAuthentications?: number;
  /** REST requests that a subject may make in a minute, in all tenants of its token together, ingest aside; 0 for no limit. Default 600. */
  readonly maxRequestsPerMinute?: number;
  /**
   * Which proxies are believed when they say for whom they speak (`X-Forwarded-For`): `true` for all, so many from this
   * server on, or those with these addresses, ranges (`10.0.0.0/8`) or names of ranges (`loopback`, `linklocal`,
   * `uniquelocal`). Default false: none.
   */
  readonly trustProxy?: TrustProxy;
  /**
   * Origins of the web pages that may connect, and read the REST answers, from within a browser: `https://example.com`,
   * or `*` for any. Empty, the default: any may connect, and the host decides who may read.
   */
  readonly origins?: readonly string[];
}

/** Fills in the defaults. */
export function resolveLimitOptions(options: LimitOptions): Required<LimitOptions> {
  return {
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 0,
    maxFailedAuthentications: options.maxFailedAuthentications ?? 30,
    maxRequestsPerMinute: options.maxRequestsPerMinute ?? 600,
    trustProxy: options.trustProxy ?? false,
    origins: options.origins ?? [],
  };
}

/** Which option is wrong, and what it must be; `undefined` where none is. */
export function limitOptionsError(options: Required<LimitOptions>): [option: string, expected: string] | undefined {
  const { trustProxy, origins, ...counts } = options;
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count) || count < 0) return [name, 'it must be a whole number of at least 0'];
  }
  if (!isTrustProxy(trustProxy)) return ['trustProxy', `it must be ${TRUST_PROXY_FORM}`];
  const areOrigins = Array.isArray(origins) && origins.every((one) => parseAllowedOrigin(one) !== undefined);
  return areOrigins ? undefined : ['origins', `each must be ${ORIGIN_FORM}, or *`];
}
