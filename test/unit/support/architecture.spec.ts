import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Import, type ImportGraph, importsIn, readImports } from '../../support/architecture/imports.js';
import { fileCircles, folderCircles, RULES, unreachableFiles, violationsOf } from '../../support/architecture/rules.js';

/** A made-up graph; an import is `[from, to]` or `[from, to, name]`. */
function graph(...imports: [from: string, to: string, name?: string][]): ImportGraph {
  const files = imports.flatMap(([from, to]) => (/^(package|node|missing):/.test(to) ? [from] : [from, to]));
  return {
    files: [...new Set(files)],
    imports: imports.map(([from, to, name]): Import => ({ from, to, names: name ? [name] : [] })),
  };
}

function rulesBrokenBy(...imported: [from: string, to: string, name?: string]): string[] {
  return RULES.filter((rule) => violationsOf(rule, graph(imported)).length > 0).map((rule) => rule.name);
}

describe('the rules', () => {
  it.each<[from: string, to: string, name?: string]>([
    ['protocol/errors.ts', 'node:crypto'],
    ['protocol/errors.ts', 'package:rxjs'],
    ['protocol/errors.ts', 'hub/hub.ts'],
    ['dialects/skills/skills.dialect.ts', 'hub/hub.ts'],
    ['dialects/skills/skills.dialect.ts', 'metricast.options.ts'],
    ['hub/hub.ts', 'package:@nestjs/common'],
    ['hub/hub.ts', 'store/index.ts'],
    ['recording/recorder.ts', 'transports/ws/index.ts'],
    ['feeds/skills/skills.feed.ts', 'dialects/index.ts'],
    ['broker/redis.broker.ts', 'dialects/index.ts'],
    ['recording/recorder.ts', 'package:typeorm'],
    ['feeds/feed.ts', 'package:typeorm'],
    ['main.ts', 'package:typeorm'],
    ['metrics/metrics.service.ts', 'package:@nestjs/typeorm'],
    ['broker/memory.broker.ts', 'package:redis'],
    ['hub/redis.ts', 'package:redis'],
    ['transports/sse/sse.transport.ts', 'package:ws'],
    ['client/client.ts', 'hub/hub.ts'],
    ['client/client.ts', 'react/index.ts'],
    ['client/client.ts', 'package:react'],
    ['react/provider.tsx', 'dashboard/main.tsx'],
    ['react/provider.tsx', 'package:@nestjs/common'],
    ['dashboard/main.tsx', 'metrics/index.ts'],
    ['hub/hub.ts', 'client/index.ts'],
    ['auth/auth.module.ts', 'package:@nestjs/common', 'forwardRef'],
    ['auth/auth.module.ts', 'package:@nestjs/common', '*'],
    ['metrics/metrics.service.ts', 'transports/ws/skills.gateway.ts'],
    ['admin/stats.service.ts', 'transports/index.ts', 'SkillsGateway'],
    ['hub/hub.ts', 'missing:./gone.js'],
  ])('%s may not import %s', (...imported) => {
    expect(rulesBrokenBy(...imported)).not.toEqual([]);
  });

  it.each<[from: string, to: string, name?: string]>([
    ['protocol/index.ts', 'protocol/errors.ts'],
    ['dialects/index.ts', 'dialects/skills/skills.dialect.ts'],
    ['hub/hub.ts', 'protocol/index.ts'],
    ['feeds/skills/skills.recorder.ts', 'package:typeorm'],
    ['persistence/data-source.ts', 'package:typeorm/driver/types'],
    ['metricast.module.ts', 'package:@nestjs/typeorm'],
    ['metricast.module.ts', 'transports/ws/skills.gateway.ts', 'SkillsGateway'],
    ['broker/redis.broker.ts', 'package:redis'],
    ['metrics/redis-state.cache.ts', 'package:redis'],
    ['transports/ws/adapter.ts', 'package:ws'],
    ['transports/ws/adapter.ts', 'package:@nestjs/common', 'Inject'],
    ['react/provider.tsx', 'client/index.ts'],
    ['dashboard/main.tsx', 'react/index.ts'],
    ['cli.ts', 'client/index.ts'],
  ])('%s may import %s', (...imported) => {
    expect(rulesBrokenBy(...imported)).toEqual([]);
  });

  it('a violation names the file and what it imports', () => {
    const rule = RULES.find(({ name }) => name === 'hub imports only protocol')!;

    expect(violationsOf(rule, graph(['hub/hub.ts', 'store/index.ts', 'WriteQueue']))).toEqual([
      'hub/hub.ts → store/index.ts (WriteQueue)',
    ]);
  });
});

describe('circles', () => {
  it('files that import each other over a third are a circle', () => {
    const made = graph(['a.ts', 'b.ts'], ['b.ts', 'c.ts'], ['c.ts', 'a.ts'], ['d.ts', 'a.ts']);

    expect(fileCircles(made)).toEqual(['a.ts → b.ts → c.ts → a.ts']);
  });

  it('a file that imports itself is a circle', () => {
    expect(fileCircles(graph(['a.ts', 'a.ts']))).toEqual(['a.ts → a.ts']);
  });

  it('two ways to the same file are no circle', () => {
    const made = graph(['a.ts', 'b.ts'], ['a.ts', 'c.ts'], ['b.ts', 'd.ts'], ['c.ts', 'd.ts']);

    expect(fileCircles(made)).toEqual([]);
  });

  it('folders can be a circle where files are none', () => {
    const made = graph(['store/a.ts', 'hub/b.ts'], ['hub/c.ts', 'store/d.ts']);

    expect(fileCircles(made)).toEqual([]);
    expect(folderCircles(made)).toEqual(['store → hub → store: store/a.ts → hub/b.ts, hub/c.ts → store/d.ts']);
  });

  it('folders side by side below another can be a circle', () => {
    const made = graph(['feeds/skills/a.ts', 'feeds/tools/b.ts'], ['feeds/tools/c.ts', 'feeds/skills/d.ts']);

    expect(folderCircles(made)).toHaveLength(1);
  });

  it('a folder and its own subfolder may know each other', () => {
    const made = graph(['feeds/index.ts', 'feeds/skills/a.ts'], ['feeds/skills/b.ts', 'feeds/feed.ts']);

    expect(folderCircles(made)).toEqual([]);
  });
});

describe('reachability', () => {
  it('a file that only unreachable files import is unreachable', () => {
    const made = graph(['index.ts', 'hub/hub.ts'], ['hub/old.ts', 'hub/older.ts']);

    expect(unreachableFiles(made)).toEqual(['hub/old.ts', 'hub/older.ts']);
  });

  it('a migration is an entry', () => {
    const made = graph(['persistence/migrations/1-first.ts', 'store/column-types.ts']);

    expect(unreachableFiles(made)).toEqual([]);
  });
});

describe('reading imports', () => {
  it.each([
    [`import { a, type B as C } from './x.js';`, ['a', 'B']],
    [`import d, * as all from './x.js';`, ['default', '*']],
    [`import type { T } from './x.js';`, ['T']],
    [`import './x.js';`, []],
    [`export { a as b } from './x.js';`, ['a']],
    [`export * from './x.js';`, ['*']],
    [`export type * as x from './x.js';`, ['*']],
    [`const x = await import('./x.js');`, ['*']],
    [`let x: import('./x.js').T;`, ['T']],
    [`let x: typeof import('./x.js');`, ['*']],
  ])('%s', (source, names) => {
    expect(importsIn(source)).toEqual([{ specifier: './x.js', names }]);
  });

  it('a path leads to the TypeScript file it is compiled from', () => {
    const root = folderWith({
      'index.ts': `import './hub/hub.js'; import './page.js'; import './hub/gone.js';`,
      'hub/hub.ts': `import 'crypto'; import 'node:fs/promises'; import '@nestjs/common'; import '../index.js';`,
      'page.tsx': '',
      'notes.md': `import './nothing.js'`,
    });

    const { files, imports } = readImports(root);

    expect(files).toEqual(['hub/hub.ts', 'index.ts', 'page.tsx']);
    expect(imports.map(({ from, to }) => `${from} → ${to}`)).toEqual([
      'hub/hub.ts → node:crypto',
      'hub/hub.ts → node:fs/promises',
      'hub/hub.ts → package:@nestjs/common',
      'hub/hub.ts → index.ts',
      'index.ts → hub/hub.ts',
      'index.ts → page.tsx',
      'index.ts → missing:./hub/gone.js',
    ]);
  });

  it('a comment or a text that looks like an import is none', () => {
    expect(importsIn(`// import './x.js';\nconst text = "import './x.js'";`)).toEqual([]);
  });
});

function folderWith(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'metricast-imports-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
