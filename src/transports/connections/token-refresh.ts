import { Injectable } from '@nestjs/common';
import { Entrance } from '../../auth/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import { CLOSE, type CommandOf, type ErrorCode, MetricastError, type Principal } from '../../protocol/index.js';
import { isVisibleTo } from './subscriptions.js';

/** The newer token says nothing, or not yet: the one before is as good as it was. */
const KEEPS_THE_OLD: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'keys_unavailable', 'rate_limited'] as const);

/** Lets connections go on with a newer token, before the one that they were opened with ends. */
@Injectable()
export class TokenRefresh {
  constructor(
    private readonly hub: Hub,
    private readonly entrance: Entrance,
  ) {}

  /** @throws {@link MetricastError} `unauthenticated` where the token is not valid: the connection goes on with the one that it has. */
  async refresh(connection: Connection, command: CommandOf<'refresh'>): Promise<void> {
    await this.entrance.seekKey(command.token);
    const principal = this.#renewed(connection, command);
    if (!principal) return;
    this.hub.renew(connection, principal);
    this.hub.reply(connection, { type: 'refreshed', command, expiresAt: principal.expiresAt });
    this.#endWhatIsHidden(connection);
  }

  /** `undefined` where the connection ended over it: what it shows is not for whoever has this token. */
  #renewed(connection: Connection, { token, id }: CommandOf<'refresh'>): Principal | undefined {
    try {
      return this.entrance.renew(connection.transport.address, connection.principal, token);
    } catch (error) {
      if (error instanceof MetricastError && KEEPS_THE_OLD.has(error.code)) throw error;
      this.hub.sendError(connection, MetricastError.from(error), id);
      this.hub.close(connection, CLOSE.forbidden);
      return undefined;
    }
  }

  /** The newer token may have fewer roles. */
  #endWhatIsHidden(connection: Connection): void {
    const hidden = connection.channels.filter((channel) => !isVisibleTo(connection.principal, channel));
    this.hub.unsubscribe(connection, hidden);
    for (const channel of hidden) {
      this.hub.sendError(
        connection,
        new MetricastError('forbidden', { channel, detail: 'the new token does not allow it' }),
      );
    }
  }
}
