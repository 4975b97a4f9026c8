import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestApp } from '../../support/app.js';
import { PrometheusText } from '../../support/prometheus-text.js';

interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly query: unknown }[] };
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

const dashboard = JSON.parse(readFileSync('docs/grafana.json', 'utf8')) as Dashboard;
const operations = readFileSync('docs/operations.md', 'utf8');
const charts = dashboard.panels.filter(({ type }) => type !== 'row');

let exported: PrometheusText;
beforeAll(async () => {
  const app = await TestApp.start();
  exported = new PrometheusText(await (await fetch(app.url('/metrics'))).text());
  await app.close();
});

/** The family that a name in an expression is of: a histogram has several. */
function familyOf(name: string): string | undefined {
  const family = name.replace(/_(bucket|sum|count)$/, '');
  if (exported.families.get(family) === 'histogram') return family === name ? undefined : family;
  return exported.families.has(name) ? name : undefined;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\bmetricast_\w+/g)].map(([name]) => name);
}

describe('docs/grafana.json', () => {
  it('asks for nothing that GET /metrics does not answer', () => {
    const names = namesIn(JSON.stringify(dashboard));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => familyOf(name) === undefined)).toEqual([]);
  });

  it('shows every family', () => {
    const shown = new Set(namesIn(JSON.stringify(dashboard)).map(familyOf));
    expect([...exported.families.keys()].filter((family) => !shown.has(family))).toEqual([]);
  });

  it('asks how fast counters grow and what gauges are, and never the other way round', () => {
    for (const { title, targets = [] } of charts) {
      for (const { expr } of targets) {
        for (const [, rated, name] of expr.matchAll(/(rate\()?\b(metricast_\w+)/g)) {
          expect([title, name, rated !== undefined]).toEqual([title, name, exported.families.get(name!) !== 'gauge']);
        }
      }
    }
  });

  it('has charts with a question each, and none that lies on another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, targets = [], gridPos } of dashboard.panels) {
      expect(title).not.toBe('');
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
    for (const { title, targets = [] } of charts) expect(targets, title).not.toEqual([]);
  });
});

describe('docs/operations.md', () => {
  const rows = [...operations.matchAll(/^\| `(metricast_\w+)` +\| (\w+) +\| ([^|]*?) *\|/gm)].map(
    ([, name, type, labels]) => ({ name: name!, type: type!, labels: labels! }),
  );

  it('tells of every family, with its type, and of no other', () => {
    expect(exported.families.size).toBeGreaterThan(15);
    expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual(
      Object.fromEntries(exported.families),
    );
  });

  it('names every label', () => {
    const named = rows.flatMap(({ labels }) => [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label!));
    expect(named.sort()).toEqual(['code', 'dialect', 'reason', 'table', 'transport']);
  });
});
