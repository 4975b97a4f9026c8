import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const PAGES = ['README.md', ...markdownIn('docs'), ...markdownIn('docs/protocol')];

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(page, 'utf8');

  it('links to what is there', () => {
    const broken = linksOf(text).filter((link) => !leadsSomewhere(page, link));
    expect(broken).toEqual([]);
  });

  it('names files that are there', () => {
    const missing = pathsIn(text).filter((path) => !existsSync(path));
    expect(missing).toEqual([]);
  });
});

describe('docs/compatibility.md', () => {
  const rows = readFileSync('docs/compatibility.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => first !== 'in its document');

  it('says of everything where it is', () => {
    expect(rows.length).toBeGreaterThan(200);
    for (const row of rows)
      expect(row, row.join(' | ')).toEqual([MORE_THAN_A_DASH, MORE_THAN_A_DASH, expect.anything()]);
  });

  it('names a test of everything but for what is not yet, or is measured', () => {
    for (const [what, here, tests] of rows) {
      if (/not yet|measured/.test(here!)) continue;
      expect(tests, what).toContain('](../test/');
    }
  });
});

const MORE_THAN_A_DASH = expect.stringMatching(/\w{2}/) as string;

function markdownIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

/** The links of a page that lead to this repository. */
function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^\w+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
}

/** What headings are called in links, as GitHub makes it of them. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Paths of this repository that stand in a text as code. Those in capitals stand for others. */
function pathsIn(text: string): string[] {
  const paths = text.matchAll(/`((?:src|test|docs|bench|docker|examples)\/[^`\s]*)`/g);
  return [...paths].map(([, path]) => path!).filter((path) => !/[A-Z]{2}|…/.test(path) || path.endsWith('README.md'));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}
