import { Injectable, Logger } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import {
  GuardsConsumer,
  GuardsContextCreator,
  InterceptorsConsumer,
  InterceptorsContextCreator,
  PipesConsumer,
  PipesContextCreator,
} from '@nestjs/core/internal';
import { GatewayMetadataExplorer } from '@nestjs/websockets/gateway-metadata-explorer.js';
import { ExceptionFiltersContext } from '@nestjs/websockets/context/exception-filters-context.js';
import { WsContextCreator } from '@nestjs/websockets/context/ws-context-creator.js';
import { WsProxy } from '@nestjs/websockets/context/ws-proxy.js';
import type { Connection } from '../../hub/index.js';
import { type Command, type MetricastError, describeThrown } from '../../protocol/index.js';

type Handler = (connection: Connection, command: Command) => Promise<unknown>;

/**
 * The `@SubscribeMessage` handlers of our gateway, each wrapped once by Nest in the gateway's own guards, pipes,
 * interceptors and filters. Nest's usual way wraps them again for every socket; and it adds the host's global
 * enhancers, which were written for the host's handlers: they read an HTTP request that is not there, or refuse
 * fields that they do not know. So this asks Nest's own builder, without the application's configuration.
 */
@Injectable()
export class CommandHandlers {
  readonly #logger = new Logger(CommandHandlers.name);
  readonly #handlers = new Map<string, Handler>();

  constructor(private readonly modules: ModulesContainer) {}

  /** Takes the handlers of a gateway. */
  bind(gateway: object): void {
    const builder = this.#contextBuilder();
    const moduleKey = this.#moduleKeyOf(gateway);
    for (const { callback, message, methodName } of new GatewayMetadataExplorer(new MetadataScanner()).explore(
      gateway as never,
    )) {
      const handler = builder.create(gateway as never, callback as never, moduleKey, methodName);
      this.#handlers.set(message as string, handler as unknown as Handler);
    }
  }

  /** Runs the command's handler. Does not reject: the gateway's filter answers errors. */
  async handle(connection: Connection, command: Command): Promise<void> {
    await this.#handlers.get(command.type)!(connection, command);
  }

  logInternal(error: MetricastError): void {
    this.#logger.error(describeThrown(error.cause));
  }

  #contextBuilder(): WsContextCreator {
    const container = { getModules: () => this.modules } as never;
    return new WsContextCreator(
      new WsProxy(),
      new ExceptionFiltersContext(container),
      new PipesContextCreator(container),
      new PipesConsumer(),
      new GuardsContextCreator(container),
      new GuardsConsumer(),
      new InterceptorsContextCreator(container),
      new InterceptorsConsumer(),
    );
  }

  #moduleKeyOf(gateway: object): string {
    for (const [key, { providers }] of this.modules) {
      if (providers.get(gateway.constructor as never)?.instance === gateway) return key;
    }
    throw new Error(`${gateway.constructor.name} is not a provider of any module`);
  }
}
