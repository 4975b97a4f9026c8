import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { Injectable, type OnApplicationBootstrap, type WebSocketAdapter, type WsMessageHandler } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import type { Observable } from 'rxjs';
import { Admission } from './admission.js';
import { CommandHandlers } from './command-handlers.js';
import { GATEWAY_PATH } from './gateway-path.js';
import { MetricsGateway } from './metrics.gateway.js';
import { takeUpgrades } from './upgrade-router.js';

type Callback = (...args: unknown[]) => void;
type Transform = (data: unknown) => Observable<unknown>;

/**
 * Nest asks its WebSocket adapter to serve each gateway. This one serves ours by itself, and hands every other to the
 * adapter that the host has set, or to the one that Nest would have taken without us.
 */
@Injectable()
export class MetricastWsAdapter implements WebSocketAdapter, OnApplicationBootstrap {
  /** Stands for our gateway towards Nest, which wants something that emits. */
  readonly #ours = new EventEmitter();
  #hostAdapter: WebSocketAdapter | undefined;
  #undo: (() => void) | undefined;
  forceCloseConnections = false;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly admission: Admission,
    private readonly handlers: CommandHandlers,
    private readonly gateway: MetricsGateway,
    config: ApplicationConfig,
  ) {
    // While the module is put together no host has had the chance to call `useWebSocketAdapter`. When one does, its
    // adapter goes below ours instead of taking our place.
    config.setIoAdapter(this);
    config.setIoAdapter = (adapter) => (this.#hostAdapter = adapter);
  }

  onApplicationBootstrap(): void {
    this.handlers.bind(this.gateway);
  }

  create(port: number, options: { path?: string } = {}): unknown {
    if (options.path !== GATEWAY_PATH) return this.#host.create(port, options);
    // Not earlier: on Express the server exists only since `init`.
    this.#undo = takeUpgrades(this.host.httpAdapter.getHttpServer() as Server, this.admission.take);
    return this.#ours;
  }

  bindClientConnect(server: unknown, callback: Callback): void {
    // Our clients' commands run through CommandHandlers: nothing is bound for each of them.
    if (server !== this.#ours) this.#host.bindClientConnect(server, callback);
  }

  bindClientDisconnect(client: unknown, callback: Callback): void {
    this.#host.bindClientDisconnect?.(client, callback);
  }

  bindMessageHandlers(client: unknown, handlers: WsMessageHandler[], transform: Transform): void {
    this.#host.bindMessageHandlers(client, handlers, transform);
  }

  async close(server: unknown): Promise<void> {
    if (server === this.#ours) this.#undo?.();
    else await (this.#host.close(server) as Promise<void> | undefined);
  }

  async dispose(): Promise<void> {
    await (this.#hostAdapter as { dispose?(): Promise<void> } | undefined)?.dispose?.();
  }

  get #host(): WebSocketAdapter {
    this.#hostAdapter ??= this.#defaultAdapter();
    (this.#hostAdapter as Partial<MetricastWsAdapter>).forceCloseConnections = this.forceCloseConnections;
    return this.#hostAdapter;
  }

  /** Socket.IO's where the host has it installed, as Nest would choose; else plain WebSockets. */
  #defaultAdapter(): WebSocketAdapter {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    try {
      // From where Nest itself would load it: a package manager may keep the host's packages out of our sight.
      const nestWebSockets = createRequire(import.meta.url).resolve('@nestjs/websockets');
      const { IoAdapter } = createRequire(nestWebSockets)('@nestjs/platform-socket.io') as SocketIoPlatform;
      return new IoAdapter(server);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      return new WsAdapter(server);
    }
  }
}

interface SocketIoPlatform {
  readonly IoAdapter: new (server: Server) => WebSocketAdapter;
}
