import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Connection, Hub } from '../../hub/index.js';
import { type Command, MetricastError, describeThrown } from '../../protocol/index.js';

/** Answers what a handler threw in the words of the connection's dialect, and says nothing that the error knows beside. */
@Catch()
export class DialectErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger(DialectErrorFilter.name);

  constructor(private readonly hub: Hub) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const connection = host.switchToWs().getClient<Connection>();
    const { id } = host.switchToWs().getData<Command>();
    const error = MetricastError.from(thrown);
    if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
    this.hub.sendError(connection, error, id);
  }
}
