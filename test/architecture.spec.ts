import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readImports } from './support/architecture/imports.js';
import { fileCircles, folderCircles, RULES, unreachableFiles, violationsOf } from './support/architecture/rules.js';

const source = readImports(fileURLToPath(new URL('../src', import.meta.url)));

function expectNone(offenders: string[]): void {
  if (offenders.length > 0) expect.fail(`\n  ${offenders.join('\n  ')}`);
}

for (const rule of RULES) it(rule.name, () => expectNone(violationsOf(rule, source)));

it('no circle between files', () => expectNone(fileCircles(source)));

it('no circle between folders', () => expectNone(folderCircles(source)));

it('every file is reachable from an entry', () => expectNone(unreachableFiles(source)));
