import { readFileSync } from 'node:fs';
import { RequestMethod, type Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { HttpAuthGuard } from '../../../src/auth/index.js';
import { REQUIRED_ROLE } from '../../../src/auth/roles.decorator.js';
import { DIALECTS } from '../../../src/dialects/index.js';
import { MetricastModule } from '../../../src/metricast.module.js';
import { ERRORS, type ErrorCode } from '../../../src/protocol/index.js';
import type { Problem } from '../../../src/rest/index.js';
import { MODES } from '../../../src/tenants/index.js';
import { type ApiAnswer, OpenApi, examplesOf } from '../../support/openapi.js';

const api = new OpenApi();
const schemas = api.document.components['schemas'] as Readonly<Record<string, Schema>>;
const CODES = schemas['Problem']!.properties!['code']!.enum!;
const byRoute = new Map(api.operations.map((operation) => [operation.route, operation]));

describe('docs/openapi.json', () => {
  it('is OpenAPI 3.1 without a mistake', () => expect(api.mistakes).toEqual([]));

  it('is of the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(api.document.info.version).toBe(version);
  });

  it('refers to what there is, and to all of it', () => {
    const isReferredTo = (component: string) => !component.startsWith('#/components/securitySchemes/');
    expect([...new Set(api.references)].sort()).toEqual(api.components.filter(isReferredTo).sort());
  });

  it('names each operation once, under a tag that it describes', () => {
    const ids = api.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = api.document.tags.map(({ name }) => name);
    expect([...new Set(api.operations.flatMap((operation) => operation.tags))]).toEqual(tags);
  });

  it('describes the parameters in each path', () => {
    for (const { route, path, parameters } of api.operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(described, route).toEqual(inPath);
    }
  });

  it('has examples of what is read and written, which are as it says', () => {
    for (const [name, schema] of Object.entries(schemas)) {
      for (const example of schema.examples ?? []) expect(api.differences(example, schema), name).toEqual([]);
    }
    for (const { route, parameters, body, answers } of api.operations) {
      if (body) expect(examplesOf(body), route).not.toEqual([]);
      const contents = [
        ...parameters.flatMap((parameter) => Object.values(parameter.content ?? { parameter })),
        ...(body ? [body] : []),
        ...Object.values(answers).flatMap(({ content = {} }) => Object.values(content)),
      ];
      for (const content of contents) {
        for (const example of examplesOf(content)) expect(api.differences(example, content.schema!), route).toEqual([]);
      }
    }
  });

  it('has all settings changed that it shows', () => {
    for (const name of ['Settings', 'Features', 'Limits']) {
      const [shown, changed] = [schemas[name], schemas[`${name}Change`]].map((one) => Object.keys(one!.properties!));
      expect(changed, name).toEqual(shown);
    }
  });

  it('knows every dialect and every mode', () => {
    expect(schemas['Dialect']!.enum!.toSorted()).toEqual(Object.keys(DIALECTS).sort());
    expect(schemas['Mode']!.enum).toEqual(MODES);
  });

  it('has problems that the server could say', () => {
    const problems = api.operations.flatMap(({ answers }) => Object.entries(answers).flatMap(problemsIn));
    expect(new Set(problems.map(([, { code }]) => code))).toEqual(new Set(CODES));
    for (const [status, { statusCode, code, message }] of problems) {
      const { status: usual, message: beginning } = ERRORS[code as ErrorCode];
      expect([statusCode, usual], code).toEqual([status, status]);
      expect(message.startsWith(beginning), message).toBe(true);
    }
  });
});

describe('the routes that the module has', () => {
  const routes = routesOf(Reflect.getMetadata('controllers', MetricastModule) as Type[]);

  it('are those that are described', () => {
    expect(routes.map(({ route }) => route).sort()).toEqual([...byRoute.keys()].sort());
  });

  it.each(routes.filter(({ isGuarded }) => isGuarded))('say which role they need: $route', ({ route, role }) => {
    const { answers, ...described } = byRoute.get(route)!;
    expect(described.role).toBe(role);
    expect(described.description).toContain(`Role: \`${role}\`.`);
    expect(Object.keys(answers)).toEqual(expect.arrayContaining(['401', '403', '429']));
  });

  it('need no role where nobody asks for one, but for the stream, which asks by itself', () => {
    const open = routes.filter(({ isGuarded }) => !isGuarded).map(({ route }) => byRoute.get(route)!);
    expect(open.filter(({ role }) => role !== undefined).map(({ id }) => id)).toEqual(['streamMetrics']);
    for (const { id, answers } of open) expect(Object.hasOwn(answers, '403'), id).toBe(id === 'streamMetrics');
  });
});

function problemsIn([status, { content = {} }]: [string, ApiAnswer]): [status: number, problem: Problem][] {
  const examples = Object.values(content).flatMap(examplesOf) as Problem[];
  return Number(status) < 400 ? [] : examples.map((problem) => [Number(status), problem]);
}

interface Schema {
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Route {
  readonly route: string;
  readonly role: string | undefined;
  readonly isGuarded: boolean;
}

/** What Nest serves for these controllers, as it reads it from their decorators. */
function routesOf(controllers: readonly Type[]): Route[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Readonly<Record<string, object>>;
    const handlers = Object.getOwnPropertyNames(prototype)
      .filter((name) => name !== 'constructor')
      .map((name) => prototype[name]!)
      .filter((handler) => Reflect.hasMetadata('method', handler));
    const guards = (Reflect.getMetadata('__guards__', controller) ?? []) as readonly unknown[];
    return handlers.map((handler) => {
      const path = [controller, handler].map((target) => Reflect.getMetadata('path', target) as string).join('/');
      const method = RequestMethod[Reflect.getMetadata('method', handler) as number];
      return {
        route: `${method} /${path}`
          .replaceAll(/\/+/g, '/')
          .replace(/\/$/, '')
          .replaceAll(/:(\w+)/g, '{$1}'),
        role: [handler, controller]
          .map((target) => Reflect.getMetadata(REQUIRED_ROLE, target) as string | undefined)
          .find((role) => role !== undefined),
        isGuarded: guards.includes(HttpAuthGuard),
      };
    });
  });
}
