import { hostname } from 'node:os';
import { type AuthOptions, authOptionsError } from './auth/index.js';
import { DIALECTS, type DialectName, isDialectName } from './dialects/index.js';
import { type AnomalyThresholds, DEFAULT_THRESHOLDS } from './feeds/skills/index.js';
import { UPSTREAM_NAMES, UPSTREAM_URL_FORM, type UpstreamUrls, isUpstreamUrl } from './feeds/tools/index.js';
import { type LimitOptions, limitOptionsError, resolveLimitOptions } from './limits/index.js';
import { DATABASE_URL_FORMS, DEFAULT_DATABASE_URL, isDatabaseUrl } from './persistence/index.js';
import { EVENT_TYPE_FORM, type Tags, parseChannelName, parseEventType, parseTags } from './protocol/index.js';
import { withoutSlash } from './transports/ws/index.js';

/** How the module is configured. Every option has a default that runs with nothing installed. */
export interface MetricastOptions extends LimitOptions {
  /**
   * Where to store: `sqlite:PATH`, `sqlite::memory:` or `postgres://…`. Default `sqlite:data/metricast.db`. The tables
   * are named `metricast_…`, so that a database may be shared.
   */
  readonly database?: string;
  /** How tokens are checked. Without a key the server must listen on loopback, and is open to everyone there. */
  readonly auth?: AuthOptions;
  /**
   * The WebSocket paths and the dialect that each speaks by default. Replaces the default table: `/ws/metrics` channels,
   * `/ws` workspace, `/ws/skills` skills, `/ws/tools` tools, `/ws/routing` routing.
   */
  readonly endpoints?: Readonly<Record<string, DialectName>>;
  /** Seconds between two heartbeats, 0.05 to 3600. Default 30. */
  readonly heartbeatInterval?: number;
  /** Default seconds between two states of a channel, 0.1 to 3600. Default 1. */
  readonly updateInterval?: number;
  /** Messages that a subject of a tenant may send in a minute over all its connections; 0 for no limit. Default 1000. */
  readonly maxMessagesPerMinute?: number;
  /**
   * Whether WebSocket messages are compressed for clients that offer it (permessage-deflate, RFC 7692). Default false. What
   * many clients are sent is compressed once for all of them.
   */
  readonly compression?: boolean;
  /** Tags of every collected state, beside `host` and `instance`: `env`, `region`, … */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Types of events that the host will publish, by their channel (`NAME.events`): clients can ask for them before the
   * first one came. A type is 1 to 64 characters of `A-Z a-z 0-9 _ . -`, the first a letter.
   */
  readonly eventTypes?: Readonly<Record<string, readonly string[]>>;
  /**
   * Services whose own statistics stand for the recorded usage in `tools.metrics`, where it is not narrowed to a tool or
   * a session: the JSON of `GET …/stats` below their http or https URLs. Absent: what was recorded.
   */
  readonly upstreams?: UpstreamUrls;
  /** What `GET /metrics` asks for, as `Authorization: Bearer …`: 16 printable ASCII characters or more, without spaces. Absent: everybody may read it. */
  readonly metricsToken?: string;
  /** When a skill's completion counts as an anomaly. */
  readonly anomalies?: Partial<AnomalyThresholds>;
}

export interface ResolvedOptions extends Required<LimitOptions> {
  readonly database: string;
  readonly auth: AuthOptions;
  readonly endpoints: Readonly<Record<string, DialectName>>;
  readonly heartbeatInterval: number;
  readonly updateInterval: number;
  readonly maxMessagesPerMinute: number;
  readonly compression: boolean;
  readonly tags: Tags;
  readonly eventTypes: Readonly<Record<string, readonly string[]>>;
  readonly upstreams: UpstreamUrls;
  readonly metricsToken: string | undefined;
  readonly anomalies: AnomalyThresholds;
}

export const DEFAULT_ENDPOINTS: Readonly<Record<string, DialectName>> = {
  '/ws/metrics': 'channels',
  '/ws': 'workspace',
  '/ws/skills': 'skills',
  '/ws/tools': 'tools',
  '/ws/routing': 'routing',
};

/** Fills in the defaults. @throws Error that names the option which is wrong, and what it may be. */
export function resolveOptions(options: MetricastOptions = {}): ResolvedOptions {
  const resolved = {
    ...resolveLimitOptions(options),
    database: options.database ?? DEFAULT_DATABASE_URL,
    auth: options.auth ?? {},
    endpoints: options.endpoints ?? DEFAULT_ENDPOINTS,
    heartbeatInterval: options.heartbeatInterval ?? 30,
    updateInterval: options.updateInterval ?? 1,
    maxMessagesPerMinute: options.maxMessagesPerMinute ?? 1000,
    compression: options.compression ?? false,
    tags: { host: hostname(), instance: `${hostname()}:${process.pid}`, ...options.tags },
    eventTypes: options.eventTypes ?? {},
    upstreams: options.upstreams ?? {},
    metricsToken: options.metricsToken,
    anomalies: { ...DEFAULT_THRESHOLDS, ...withoutUndefined(options.anomalies) },
  };
  const tags = parseTags(resolved.tags);
  const authError = authOptionsError(resolved.auth);
  if (!isDatabaseUrl(resolved.database)) fail('database', DATABASE_URL_FORMS);
  if (authError) fail('auth', authError);
  if (typeof tags === 'string') fail('tags', tags);
  requireRange('heartbeatInterval', resolved.heartbeatInterval, 0.05, 3600);
  requireRange('updateInterval', resolved.updateInterval, 0.1, 3600);
  requireRange('maxMessagesPerMinute', resolved.maxMessagesPerMinute, 0, Number.MAX_SAFE_INTEGER);
  const limitError = limitOptionsError(resolveLimitOptions(options));
  if (limitError) fail(...limitError);
  if (typeof resolved.compression !== 'boolean') fail('compression', 'it must be true or false');
  if (resolved.metricsToken !== undefined && !isMetricsToken(resolved.metricsToken)) {
    fail('metricsToken', `it must be ${METRICS_TOKEN_FORM}`);
  }
  for (const [name, value] of Object.entries(resolved.anomalies)) {
    requireRange(`anomalies.${name}`, value, 0, Number.MAX_SAFE_INTEGER);
  }
  for (const [channel, types] of Object.entries(resolved.eventTypes)) {
    if (!parseChannelName(channel)?.endsWith('.events')) fail('eventTypes', 'a channel must be NAME.events');
    if (!Array.isArray(types) || !types.every(parseEventType)) fail('eventTypes', `a type must be ${EVENT_TYPE_FORM}`);
  }
  for (const [name, url] of Object.entries(resolved.upstreams)) {
    if (!UPSTREAM_NAMES.some((known) => known === name)) fail('upstreams', `may name ${UPSTREAM_NAMES.join(', ')}`);
    if (url !== undefined && !isUpstreamUrl(url)) fail(`upstreams.${name}`, `it must be ${UPSTREAM_URL_FORM}`);
  }
  for (const [path, dialect] of Object.entries(resolved.endpoints)) {
    const choices = Object.keys(DIALECTS).join(', ');
    if (!isEndpointPath(path)) fail('endpoints', 'a path must begin with / and hold no ?, # or space');
    if (!isDialectName(dialect)) fail('endpoints', `a dialect must be one of ${choices}`);
  }
  const paths = Object.keys(resolved.endpoints).map(withoutSlash);
  if (new Set(paths).size < paths.length) fail('endpoints', 'two of them have one path');
  return { ...resolved, tags };
}

function withoutUndefined(thresholds: Partial<AnomalyThresholds> = {}): Partial<AnomalyThresholds> {
  return Object.fromEntries(Object.entries(thresholds).filter(([, value]) => value !== undefined));
}

/** What a metrics token is, in words. */
export const METRICS_TOKEN_FORM = '16 to 1024 printable ASCII characters without spaces';

/** What can stand behind `Bearer` (RFC 9110, 11.6.2, and a little more). */
export function isMetricsToken(token: string): boolean {
  return /^[\x21-\x7e]{16,1024}$/.test(token);
}

export function isEndpointPath(path: string): boolean {
  return /^\/[^?#\s]*$/.test(path);
}

function requireRange(option: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) fail(option, `it must be a number from ${min} to ${max}`);
}

function fail(option: string, expected: string): never {
  throw new Error(`Metricast option ${option}: ${expected}`);
}
