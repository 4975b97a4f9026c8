import type { Close } from './close-codes.js';
import type { Command, Format, Reply } from './command.js';
import type { MetricastError } from './errors.js';
import type { Principal } from './principal.js';
import type { Publication } from './publication.js';
import type { SettingsNotice } from './settings.js';
import type { Millis } from './timestamp.js';

/** An object that goes over the wire, before it is encoded. */
export type WireMessage = object;

/** The query of the address that a connection was opened with. */
export type Query = Pick<URLSearchParams, 'get' | 'getAll'>;

/** The connection as its dialect sees it when it opens. */
export interface Greeting {
  readonly connectionId: string;
  readonly principal: Principal;
  readonly query: Query;
  readonly now: Millis;
  /** Seconds. */
  readonly heartbeatInterval: number;
  /** Seconds between two states of the tenant's channels, where these have no pace of their own. */
  readonly updateInterval: number;
}

/**
 * A wire vocabulary. It translates what a client sends into commands, and what the server has to say into messages.
 * Pure: it keeps nothing between two calls and knows neither sockets nor stores.
 */
export interface Dialect {
  readonly name: string;

  /** What a connection is sent when it opens. */
  greet(greeting: Greeting): readonly WireMessage[];

  /**
   * What a connection asks for by being opened, with this address. Throws {@link MetricastError} where the address asks
   * for what cannot be.
   */
  open(query: Query): readonly Command[];

  /** Says what a decoded frame asks for. Throws {@link MetricastError} where it asks for nothing known. */
  parse(frame: Readonly<Record<string, unknown>>): Command;

  /** The messages that a publication is to a subscriber with this format; none where the dialect cannot show it. */
  render(publication: Publication, format: Format): readonly WireMessage[];

  /** `undefined` where the dialect has no words for it. */
  renderReply(reply: Reply, now: Millis): WireMessage | undefined;

  /** An error, with the `id` of the command that it answers. */
  renderError(error: MetricastError, now: Millis, id?: string | number): WireMessage;

  /**
   * What a connection is told when other settings apply to its tenant; absent where the dialect has no words for it.
   */
  renderSettings?(notice: SettingsNotice): WireMessage;

  /** The heartbeat that clients of this dialect see, beside the protocol's own ping. */
  heartbeat?(now: Millis): WireMessage;

  /** How this dialect's clients are told of a close, where it has a code of its own for it. */
  close?(close: Close): Close;

  /** True where a token may come in a first frame instead of the handshake. */
  readonly tokenInFirstFrame?: boolean;
}
