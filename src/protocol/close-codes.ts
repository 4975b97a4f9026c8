/** The WebSocket close codes that the server sends, and what each tells a client to do. */
export const CLOSE = {
  goingAway: { code: 1001, reason: 'server shutting down', reconnect: true },
  /** An administrator has closed this connection; the client itself is not barred. */
  disconnected: { code: 1001, reason: 'disconnected by an administrator', reconnect: true },
  /** How some clients know 4401. */
  policyViolation: { code: 1008, reason: 'Unauthorized', reconnect: false },
  tooLarge: { code: 1009, reason: 'frame over 1 MiB', reconnect: false },
  internal: { code: 1011, reason: 'internal error', reconnect: true },
  protocolViolation: { code: 4400, reason: 'protocol violation', reconnect: false },
  unauthorized: { code: 4401, reason: 'invalid authentication token', reconnect: false },
  tokenExpired: { code: 4401, reason: 'token expired', reconnect: false },
  tokenRevoked: { code: 4401, reason: 'token revoked', reconnect: false },
  forbidden: { code: 4403, reason: 'tenant or channel not allowed', reconnect: false },
  silent: { code: 4408, reason: 'peer silent for two heartbeats', reconnect: true },
  tooMany: { code: 4429, reason: 'too many connections or attempts', reconnect: true },
  slowConsumer: { code: 4508, reason: 'slow consumer', reconnect: true },
} as const;

/** How the server ends a WebSocket: code and reason of RFC 6455's close frame. */
export interface Close {
  readonly code: number;
  readonly reason: string;
  /** Whether a client should connect again by itself, with jitter. */
  readonly reconnect: boolean;
}
