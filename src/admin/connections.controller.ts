import { Controller, Delete, Get, Logger, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, ListsTenants, RequireRole, enterTenant, listedTenants, principalOf } from '../auth/index.js';
import { type Connection, Hub } from '../hub/index.js';
import { CLOSE, MetricastError, type TenantId, describeThrown, isoTimestamp, loggable } from '../protocol/index.js';
import { Answer, JsonBody, ProblemFilter, pageOf, pathParameter, readPageRequest } from '../rest/index.js';
import { type Change, WriteQueue, auditOf } from '../store/index.js';

/** When a connection was opened, and its id: several open in one millisecond. */
type ConnectionKey = readonly [connectedAt: number, id: string];

/** Who is connected to this instance, to see and to send away. */
@Controller({ path: 'admin/connections', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('admin')
export class ConnectionsController {
  readonly #logger = new Logger(ConnectionsController.name);

  constructor(
    private readonly hub: Hub,
    private readonly queue: WriteQueue,
    private readonly answer: Answer,
    body: JsonBody,
  ) {
    // No body is asked for, and none that a client sends along is to be judged by the platform.
    body.claim('/admin/connections/:id');
  }

  /** The longest open first. */
  @Get()
  @ListsTenants()
  list(@Req() request: object, @Res() response: object): void {
    const page = readPageRequest(request, isConnectionKey);
    const tenants = listedTenants(request);
    const connections = [...this.hub.connections.values()]
      .filter(({ principal: { tenant } }) => tenants?.includes(tenant) ?? true)
      .filter((connection) => page.after === undefined || comesBefore(page.after, keyOf(connection)))
      .sort((one, other) => (comesBefore(keyOf(one), keyOf(other)) ? -1 : 1))
      .slice(0, page.limit + 1);
    this.answer.show(request, response, pageOf(connections, page.limit, connectionItem, keyOf));
  }

  /** Sends a client away; nothing keeps it from coming back. */
  @Delete(':id')
  async close(@Req() request: object, @Res() response: object): Promise<void> {
    const connection = this.#find(request);
    const { tenant } = connection.principal;
    const actor = principalOf(request).subject;
    const change = { actor, tenant, action: 'connection.close', before: connectionItem(connection), after: null };
    // At once: whoever comes a moment later does not find it any more, so that it is written down once.
    this.hub.close(connection, CLOSE.disconnected);
    await this.#note(change, connection.id);
    this.answer.done(response);
  }

  /** @throws {@link MetricastError} `busy` where the log has it, and the database not. */
  async #note(change: Change & { readonly tenant: TenantId }, id: string): Promise<void> {
    function* write() {
      yield auditOf(change, Date.now());
    }
    try {
      await this.queue.write(1, write, change.tenant);
    } catch (error) {
      const { actor, tenant } = change;
      this.#logger.error(
        `Connection ${id} of ${tenant} was closed by ${loggable(actor)}, which could not be written down: ${describeThrown(error)}`,
      );
      throw error;
    }
  }

  /** @throws {@link MetricastError} `not_found` for one of another tenant's, as for one that is not there. */
  #find(request: object): Connection {
    const connection = this.hub.connections.get(pathParameter(request, 'id'));
    if (!connection) throw new MetricastError('not_found');
    enterTenant(request, connection.principal.tenant);
    return connection;
  }
}

function connectionItem(connection: Connection) {
  const { id, principal, dialect, transport, encoding, channels, outbox, connectedAt } = connection;
  return {
    id,
    subject: principal.subject,
    tenant_id: principal.tenant,
    dialect: dialect.name,
    transport: transport.name,
    encoding,
    channels,
    queued_bytes: outbox.queuedBytes,
    conflated: outbox.conflated,
    connected_at: isoTimestamp(connectedAt),
    address: transport.address,
  };
}

function keyOf({ connectedAt, id }: Connection): ConnectionKey {
  return [connectedAt, id];
}

function comesBefore([at, id]: ConnectionKey, [otherAt, otherId]: ConnectionKey): boolean {
  return at === otherAt ? id < otherId : at < otherAt;
}

function isConnectionKey(value: unknown): value is ConnectionKey {
  return (
    Array.isArray(value) && value.length === 2 && Number.isFinite(value[0]) && typeof (value[1] as unknown) === 'string'
  );
}
