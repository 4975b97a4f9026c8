import { shown } from './statistics.js';

/** What a bench found. */
export interface Report {
  readonly name: string;
  readonly title: string;
  /** How it was measured, as the page about the benches tells it. */
  readonly method: string;
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  /** By which share a target may be missed without the bench having failed; where absent, it never fails. */
  readonly tolerance?: number;
  /** What was left out, and what else a reader of the figures must know. */
  readonly notes: readonly string[];
  /** Everything that the tables were made from. */
  readonly rounds: unknown;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | undefined)[])[];
}

export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function isMet({ measured, atLeast = -Infinity, atMost = Infinity }: Target): boolean {
  return measured >= atLeast && measured <= atMost;
}

/** The targets that were missed by more than is tolerated. */
export function failures({ targets, tolerance }: Pick<Report, 'targets' | 'tolerance'>): Target[] {
  if (tolerance === undefined) return [];
  return targets.filter(({ measured, atLeast = -Infinity, atMost = Infinity }) => {
    // What could not be measured was not met.
    return !(measured >= atLeast * (1 - tolerance) && measured <= atMost * (1 + tolerance));
  });
}

/** The report as Markdown, which can be read in a terminal as well. */
export function markdown({ tables, targets, notes }: Pick<Report, 'tables' | 'targets' | 'notes'>): string {
  const verdicts: Table = {
    title: 'Targets',
    columns: ['figure', 'target', 'measured', ''],
    rows: targets.map((target) => [
      target.what,
      target.atLeast === undefined ? `≤ ${shown(target.atMost)}` : `≥ ${shown(target.atLeast)}`,
      target.measured,
      isMet(target) ? 'met' : 'missed',
    ]),
  };
  return [
    ...[...tables, ...(targets.length > 0 ? [verdicts] : [])].map(tableMarkdown),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
  ].join('\n\n');
}

function tableMarkdown({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => (typeof cell === 'string' ? cell : shown(cell))));
  const widths = columns.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => pad(cell, widths[column]!, column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [`**${title}**`, '', line(cells[0]!), rule, ...cells.slice(1).map(line)].join('\n');
}

/** Names stand left, figures right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
