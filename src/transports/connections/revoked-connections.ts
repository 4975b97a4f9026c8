import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Revocations, isMeantBy } from '../../auth/index.js';
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
      for (const connection of this.hub.connections.values()) {
        const isMeant = revocations.some((revocation) => isMeantBy(revocation, connection.principal));
        if (isMeant) this.hub.close(connection, CLOSE.tokenRevoked);
      }
    });
  }
}
