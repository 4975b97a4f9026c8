import { Inject, Injectable } from '@nestjs/common';
import { hasRole } from '../../auth/index.js';
import { BROKER, type Broker } from '../../broker/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import { Collectors } from '../../metrics/index.js';
import {
  BUILT_IN_CHANNELS,
  type ChannelName,
  type CommandOf,
  GATEWAY_METRICS,
  MetricastError,
  type Principal,
  type ReachedPosition,
  type TagFilter,
  canonicalKey,
  parseChannelName,
} from '../../protocol/index.js';
import { ChannelDirectory } from '../../store/index.js';
import { type Limits, Tenants } from '../../tenants/index.js';
import { Backfill } from './backfill.js';
import { CurrentStates } from './current-states.js';
import type { Held } from './past-sender.js';
import { type Continuation, Resumption } from './resumption.js';
import { Snapshots } from './snapshots.js';

/** Subscribes connections to channels, and ends that. */
@Injectable()
export class Subscriptions {
  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly directory: ChannelDirectory,
    private readonly states: CurrentStates,
    private readonly resumption: Resumption,
    private readonly snapshots: Snapshots,
    private readonly backfill: Backfill,
    private readonly tenants: Tenants,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** @throws {@link MetricastError} where the command as a whole cannot be done. */
  async subscribe(connection: Connection, command: CommandOf<'subscribe'>): Promise<void> {
    const { limits } = this.tenants.effective(connection.principal.tenant);
    const names = [...new Set(command.channels)];
    requireAtMost(limits.maxChannelsPerConnection, names.length, 'channels');
    const exists = await this.existing(connection.principal, names);
    for (const name of names.filter((one) => !exists.has(one as ChannelName))) {
      const error = new MetricastError('unknown_channel', { channel: parseChannelName(name) });
      this.hub.sendError(connection, error, command.id);
    }
    const known = [...exists];
    requireRoom(connection, exists, command, limits);
    this.#encode(connection, command.compression);
    if (command.replace) {
      const others = connection.channels.filter((channel) => !exists.has(channel));
      this.hub.unsubscribe(connection, others);
    }
    // A state that is shown at once is newer than any that was missed.
    const continuation = command.atOnce ? undefined : this.resumption.continuation(connection, command, known);
    const held = this.#begin(connection, command, known, continuation);
    if (!command.isQuiet) this.#confirm(connection, command, continuation);
    for (const error of this.#refusals(connection, known)) this.hub.sendError(connection, error, command.id);
    const { since, id } = command;
    if (since !== undefined) this.backfill.begin(connection, held, { since, id });
    // Waited for, so that a connection that subscribes again and again has one state collected at a time.
    else await Promise.all(held.map((one) => this.snapshots.show(one)));
    if (command.atOnce) await Promise.all(known.map((channel) => this.states.show(connection, channel)));
  }

  unsubscribe(connection: Connection, command: CommandOf<'unsubscribe'>): void {
    this.hub.unsubscribe(
      connection,
      command.channels?.map((name) => name as ChannelName),
    );
    this.hub.reply(connection, { type: 'unsubscribed', command, channels: connection.channels });
  }

  /**
   * Subscribes, and replays what was missed. Nothing is published in between.
   *
   * @returns the subscriptions that begin with what is stored, or as it is now.
   */
  #begin(
    connection: Connection,
    { filter, format, interval, since }: CommandOf<'subscribe'>,
    channels: readonly ChannelName[],
    continuation: Continuation | undefined,
  ): Held[] {
    const anew: Held[] = [];
    // It may have gone while its channels were looked up.
    if (!connection.isOpen) return anew;
    for (const channel of channels) {
      const subscription = { channel, filter, format, interval };
      const isShown = continuation?.asked.has(channel) && !continuation.recovered.has(channel);
      const isFilled =
        since !== undefined && !continuation?.recovered.has(channel) && this.backfill.isThere(subscription);
      if (isFilled || (isShown && since === undefined)) {
        const position = this.broker.position(connection.principal.tenant, channel);
        anew.push({ connection, channel, subscription, position });
      }
      if (isFilled || (isShown && this.snapshots.isRead(subscription))) this.hub.hold(connection, subscription);
      else this.hub.subscribe(connection, subscription);
    }
    if (continuation) this.hub.replay(connection, continuation.publications);
    return anew;
  }

  #confirm(connection: Connection, command: CommandOf<'subscribe'>, continuation: Continuation | undefined): void {
    const { principal, channels } = connection;
    const positions = channels.map((channel): [ChannelName, ReachedPosition] => {
      const position = this.broker.position(principal.tenant, channel);
      if (!continuation?.asked.has(channel)) return [channel, position];
      return [channel, { ...position, recovered: continuation.recovered.has(channel) }];
    });
    this.hub.reply(connection, {
      type: 'subscribed',
      command,
      channels,
      positions: Object.fromEntries(positions),
      recovered: continuation && isComplete(continuation),
    });
  }

  /** Those of the names that are channels which exist for this principal. */
  async existing(principal: Principal, names: readonly string[]): Promise<ReadonlySet<ChannelName>> {
    const channels = names
      .map(parseChannelName)
      .filter((channel) => channel !== undefined)
      .filter((channel) => isVisibleTo(principal, channel));
    const isGiven = (channel: ChannelName) => BUILT_IN_CHANNELS.has(channel) || this.collectors.has(channel);
    const recorded = channels.filter((channel) => !isGiven(channel));
    return new Set([
      ...channels.filter(isGiven),
      ...(recorded.length > 0 ? await this.directory.existing(principal.tenant, recorded) : []),
    ]);
  }

  /** Why nothing comes of channels, as long as the tenant's settings are as they are. */
  *#refusals({ principal: { tenant } }: Connection, channels: readonly ChannelName[]): Generator<MetricastError> {
    for (const channel of channels) {
      const refusal = this.tenants.refusalOf(tenant, channel);
      if (refusal === 'feature_disabled') yield new MetricastError(refusal, { channel });
      if (refusal !== 'streaming_disabled') continue;
      yield new MetricastError(refusal);
      return;
    }
  }

  #encode(connection: Connection, compression: boolean | undefined): void {
    if (compression === undefined) return;
    const { encodings } = connection.transport;
    if (encodings) this.hub.reframe(connection, compression ? encodings.messagePack : encodings.json);
    else if (compression) throw new MetricastError('not_supported', { detail: 'compression' });
  }
}

/** Where none of the channels exists that were to be recovered, nothing was. */
function isComplete({ asked, recovered }: Continuation): boolean {
  return asked.size > 0 && recovered.size === asked.size;
}

function requireRoom(
  { memberships }: Connection,
  channels: ReadonlySet<ChannelName>,
  { filter, replace }: CommandOf<'subscribe'>,
  { maxChannelsPerConnection, maxTagPairsPerConnection }: Limits,
): void {
  const kept = replace ? [] : [...memberships].filter(([channel]) => !channels.has(channel));
  requireAtMost(maxChannelsPerConnection, kept.length + channels.size, 'channels');
  if (canonicalKey(filter) === '') return;
  // The channels of one frame have one filter between them.
  const filters = new Set([filter, ...kept.map(([, { subscription }]) => subscription.filter)]);
  const pairs = new Set([...filters].flatMap(pairsOf));
  requireAtMost(maxTagPairsPerConnection, pairs.size, 'tag pairs');
}

/** A name and the values that meet it, each as a text: the same pair in two subscriptions counts once. */
function pairsOf(filter: TagFilter): string[] {
  return Object.entries(filter).map((pair) => JSON.stringify(pair));
}

function requireAtMost(most: number, count: number, what: string): void {
  if (most === 0 || count <= most) return;
  throw new MetricastError('bad_subscription', { detail: `at most ${most} ${what} a connection` });
}

/** Whether a principal may be shown a channel, if there is such a one. */
export function isVisibleTo(principal: Principal, channel: ChannelName): boolean {
  return hasRole(principal, channel === GATEWAY_METRICS ? 'operator' : 'viewer');
}
