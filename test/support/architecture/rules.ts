import { circlesOf, folderEdges } from './circles.js';
import type { Import, ImportGraph } from './imports.js';

/** No file that `files` matches may have an import that `mustNotImport` matches. */
export interface Rule {
  name: string;
  files: (path: string) => boolean;
  mustNotImport: (imported: Import) => boolean;
}

type Matcher = (path: string) => boolean;
const under =
  (...folders: string[]): Matcher =>
  (path) =>
    folders.some((folder) => path.startsWith(`${folder}/`));
const matching =
  (pattern: RegExp): Matcher =>
  (path) =>
    pattern.test(path);
const library =
  (...names: string[]): Matcher =>
  (path) =>
    names.some((name) => path === `package:${name}` || path.startsWith(`package:${name}/`));
const any =
  (...matchers: Matcher[]): Matcher =>
  (path) =>
    matchers.some((matches) => matches(path));
const not =
  (matches: Matcher): Matcher =>
  (path) =>
    !matches(path);
const to =
  (matches: Matcher): Rule['mustNotImport'] =>
  (imported) =>
    matches(imported.to);

const everywhere: Matcher = () => true;
/** The files at the top of src put the parts together: index.ts, main.ts, app.module.ts, metricast.module.ts … */
const compositionRoot = matching(/^[^/]+$/);
const ownsTables = any(matching(/^feeds\/[^/]+\//), under('store', 'tenants', 'auth', 'admin', 'persistence'));
const isExternal = matching(/^(package|node):/);
const ofNest = matching(/^package:@nestjs\//);

/** Who may know whom. */
export const RULES: readonly Rule[] = [
  {
    name: 'protocol imports nothing outside itself',
    files: under('protocol'),
    mustNotImport: to(not(under('protocol'))),
  },
  {
    name: 'dialects import only protocol',
    files: under('dialects'),
    mustNotImport: to(not(under('dialects', 'protocol'))),
  },
  {
    name: 'hub imports only protocol',
    files: under('hub'),
    mustNotImport: to(not(under('hub', 'protocol'))),
  },
  {
    name: 'recording, feeds, store, metrics, tenants and broker import neither transports nor dialects',
    files: under('recording', 'feeds', 'store', 'metrics', 'tenants', 'broker'),
    mustNotImport: to(under('transports', 'dialects')),
  },
  {
    name: 'only the folders that own tables import typeorm',
    files: not(ownsTables),
    mustNotImport: to(library('typeorm')),
  },
  {
    name: 'only the folders that own tables and the composition root import @nestjs/typeorm',
    files: not(any(ownsTables, compositionRoot)),
    mustNotImport: to(library('@nestjs/typeorm')),
  },
  {
    name: 'only the redis files of broker, metrics and auth import redis',
    files: not(matching(/^(broker|metrics|auth)\/(.*\/)?redis[^/]*$/)),
    mustNotImport: to(any(library('redis'), matching(/^package:@redis\//))),
  },
  {
    name: 'only transports/ws imports ws',
    files: not(under('transports/ws')),
    mustNotImport: to(library('ws')),
  },
  {
    name: 'client imports only protocol, and no framework',
    files: under('client'),
    mustNotImport: to(any(not(any(under('client', 'protocol'), isExternal)), ofNest, library('react', 'react-dom'))),
  },
  {
    name: 'react imports only client and protocol',
    files: under('react'),
    mustNotImport: to(any(not(any(under('react', 'client', 'protocol'), isExternal)), ofNest)),
  },
  {
    name: 'dashboard imports only react, client and protocol',
    files: under('dashboard'),
    mustNotImport: to(any(not(any(under('dashboard', 'react', 'client', 'protocol'), isExternal)), ofNest)),
  },
  {
    name: 'the server imports neither client, react nor dashboard',
    files: not(any(under('client', 'react', 'dashboard'), compositionRoot)),
    mustNotImport: to(under('client', 'react', 'dashboard')),
  },
  {
    name: 'nobody imports forwardRef',
    files: everywhere,
    mustNotImport: ({ to: target, names }) =>
      names.includes('forwardRef') || (library('@nestjs/common')(target) && names.includes('*')),
  },
  {
    name: 'nobody outside transports imports a gateway, but the composition root that registers it',
    files: not(any(under('transports'), compositionRoot)),
    mustNotImport: ({ to: target, names }) =>
      target.endsWith('.gateway.ts') || names.some((name) => name.endsWith('Gateway')),
  },
  {
    name: 'every relative import leads to a file',
    files: everywhere,
    mustNotImport: to(matching(/^missing:/)),
  },
];

/** Where the outside world comes in; each is a program, an export of the package, or found by its path. */
export const ENTRIES = [
  /^(index|main|cli)\.ts$/,
  /^persistence\/migrations\/[^/]+\.ts$/,
  /^(client|react)\/index\.ts$/,
  /^dashboard\/main\.tsx?$/,
];

export function violationsOf(rule: Rule, { imports }: ImportGraph): string[] {
  return imports.filter((imported) => rule.files(imported.from) && rule.mustNotImport(imported)).map(inWords);
}

/** A type-only import closes a circle as well: two files that cannot be read apart are one idea. */
export function fileCircles({ imports }: ImportGraph): string[] {
  return circlesOf(imports).map((circle) => [...circle, circle[0]].join(' → '));
}

export function folderCircles({ imports }: ImportGraph): string[] {
  const edges = folderEdges(imports);
  return circlesOf(edges).map((circle) => {
    const hops = circle.map((from, at) => {
      const next = circle[(at + 1) % circle.length];
      return edges.find((edge) => edge.from === from && edge.to === next)!.because;
    });
    return `${[...circle, circle[0]].join(' → ')}: ${hops.map(inWords).join(', ')}`;
  });
}

export function unreachableFiles({ files, imports }: ImportGraph, entries: readonly RegExp[] = ENTRIES): string[] {
  const reached = new Set(files.filter((file) => entries.some((entry) => entry.test(file))));
  for (const file of reached) for (const { from, to: target } of imports) if (from === file) reached.add(target);
  return files.filter((file) => !reached.has(file));
}

function inWords({ from, to: target, names }: Import): string {
  return `${from} → ${target}${names.length > 0 ? ` (${names.join(', ')})` : ''}`;
}
