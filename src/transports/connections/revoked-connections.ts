import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Revocation, Revocations, isMeantBy } from '../../auth/index.js';
import { Hub } from '../../hub/index.js';
import { CLOSE } from '../../protocol/index.js';

/** Ends the connections whose tokens are revoked, as soon as this instance hears of it. */
@Injectable()
export class RevokedConnections implements OnModuleInit {
  constructor(
    private readonly hub: Hub,
    private readonly revocations: Revocations,
  ) {}

  onModuleInit(): void {
    this.revocations.onRevocation((revocations) => {
      for (const revocation of revocations) this.#end(revocation);
    });
  }

  #end(revocation: Revocation): void {
    const { tenant } = revocation;
    for (const connection of tenant === null ? this.hub.connections.values() : this.hub.heads.connectionsOf(tenant)) {
      if (isMeantBy(revocation, connection.principal)) this.hub.close(connection, CLOSE.tokenRevoked);
    }
  }
}
