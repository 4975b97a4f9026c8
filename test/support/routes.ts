import { RequestMethod } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { REQUIRED_ROLE } from '../../src/auth/roles.decorator.js';
import type { Role } from '../../src/protocol/index.js';
import type { TestApp } from './app.js';
import type { Verb } from './rest-client.js';

/** Something that a server answers by HTTP. */
export interface Route {
  readonly verb: Verb;
  /** With the names of its parameters: `/skills/:name`. */
  readonly path: string;
  /** The role that it asks of its callers; undefined where it asks for none. */
  readonly role: Role | undefined;
}

type Handler = (...args: unknown[]) => unknown;

/** All routes that there are, as the controllers themselves say it: one that is added tomorrow is among them. */
export function routesOf({ app }: TestApp): Route[] {
  const routes: Route[] = [];
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values()) {
      const controller = metatype as { readonly prototype: Readonly<Record<string, Handler>> };
      for (const name of Object.getOwnPropertyNames(controller.prototype)) {
        const handler = controller.prototype[name]!;
        const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
        if (method === undefined) continue;
        const paths = [controller, handler].map((part) => Reflect.getMetadata('path', part) as string);
        routes.push({
          verb: RequestMethod[method] as Verb,
          path: `/${paths.filter((path) => path !== '/').join('/')}`,
          role: (Reflect.getMetadata(REQUIRED_ROLE, handler) ?? Reflect.getMetadata(REQUIRED_ROLE, controller)) as
            Role | undefined,
        });
      }
    }
  }
  return routes;
}

/** Where a route is, of this tenant if it is one's. */
export function addressOf({ path }: Route, tenant: string): string {
  return path.replace(':tenantId', tenant).replace(/:\w+/g, 'some.metrics');
}

/** An empty body, where there is to be one. */
export function bodyFor({ verb }: Route): object | undefined {
  return verb === 'GET' || verb === 'DELETE' ? undefined : {};
}
