import { CLOSE, type Close } from './close-codes.js';
import { loggable } from './loggable.js';

/** A row of {@link ERRORS}. */
export interface ErrorKind {
  /** What a client is told; never holds anything that the client sent. */
  readonly message: string;
  /** The HTTP status of a REST answer. */
  readonly status: number;
  /** True where the same request may succeed later, unchanged. */
  readonly temporary: boolean;
  /** How a connection ends that is refused for this. */
  readonly close?: Close;
}

const TABLE = {
  bad_frame: { message: 'Invalid message: not a JSON object', status: 400, temporary: false },
  bad_binary: {
    message: 'Invalid message: not MessagePack',
    status: 400,
    temporary: false,
    close: CLOSE.protocolViolation,
  },
  unknown_type: { message: 'Unknown message type', status: 400, temporary: false },
  unknown_channel: { message: 'Invalid subscription: unknown channel', status: 404, temporary: false },
  unknown_event_type: { message: 'Unknown event type', status: 404, temporary: false },
  bad_subscription: { message: 'Subscription error', status: 400, temporary: false },
  not_supported: { message: 'Not supported', status: 501, temporary: false },
  bad_request: { message: 'Invalid request', status: 400, temporary: false },
  too_large: { message: 'Request too large', status: 413, temporary: false, close: CLOSE.tooLarge },
  unsupported_media_type: { message: 'The body must be application/json', status: 415, temporary: false },
  unauthenticated: {
    message: 'Invalid authentication token',
    status: 401,
    temporary: false,
    close: CLOSE.unauthorized,
  },
  forbidden: { message: 'Not allowed', status: 403, temporary: false, close: CLOSE.forbidden },
  no_tenant_access: { message: 'No access to workspace', status: 403, temporary: false, close: CLOSE.forbidden },
  not_found: { message: 'Not found', status: 404, temporary: false },
  conflict: { message: 'Conflict', status: 409, temporary: false },
  foreign_origin: { message: 'Not allowed from this origin', status: 403, temporary: false, close: CLOSE.forbidden },
  rate_limited: { message: 'Rate limit exceeded', status: 429, temporary: true, close: CLOSE.tooMany },
  connection_limit: { message: 'Too many connections', status: 429, temporary: true, close: CLOSE.tooMany },
  busy: { message: 'Storage cannot take more now', status: 503, temporary: true },
  keys_unavailable: {
    message: 'The key of the token cannot be looked up now',
    status: 503,
    temporary: true,
    close: CLOSE.internal,
  },
  streaming_disabled: { message: 'Metrics streaming is disabled in settings', status: 409, temporary: false },
  feature_disabled: { message: 'Feature is disabled in settings', status: 409, temporary: false },
  collect_failed: { message: 'Failed to fetch metrics', status: 503, temporary: true },
  internal: { message: 'Internal error', status: 500, temporary: true, close: CLOSE.internal },
} as const satisfies Record<string, ErrorKind>;

/** The `code` of an error frame and of a REST error. */
export type ErrorCode = keyof typeof TABLE;

/** Every error that a client can see. Nothing else is ever said to one. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorKind>> = TABLE;

/** What is wrong with one field of one item. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The particulars of one error. */
export interface ErrorDetails {
  /** Added to the message after a colon; must not hold what the client sent. */
  readonly detail?: string;
  /** What it is about, by a name that is well-formed. Added to the message. */
  readonly name?: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
  /** The well-formed channel name that it is about. */
  readonly channel?: string;
  readonly errors?: readonly FieldError[];
  /** For the log, never for the client. */
  readonly cause?: unknown;
}

/** An error that a client is told of: a row of {@link ERRORS} and its particulars. */
export class MetricastError extends Error {
  override readonly name = 'MetricastError';

  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails = {},
  ) {
    const { message } = ERRORS[code];
    const { name, detail, cause } = details;
    super(`${message}${name === undefined ? '' : ` ${name}`}${detail === undefined ? '' : `: ${detail}`}`, { cause });
  }

  /** This very error, or `internal` with the given one as its cause. */
  static from(error: unknown): MetricastError {
    return error instanceof MetricastError ? error : new MetricastError('internal', { cause: error });
  }
}

/** Whatever was thrown, as a log wants it: without tokens, and without what makes a log lie. Never for a client. */
export function describeThrown(thrown: unknown): string {
  return loggable(textOf(thrown));
}

function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.stack ?? thrown.message;
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? typeof thrown;
  } catch {
    // A circle, a bigint: what is thrown can be anything.
    return Object.prototype.toString.call(thrown);
  }
}
