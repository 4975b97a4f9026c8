import { format, resolveConfig } from 'prettier';
import type { Machine } from './machine.js';
import { type Report, markdown } from './report.js';

const INTRODUCTION = `# Benchmarks

This page is written by \`npm run bench -- NAME --write\`; the figures that it shows stand in \`bench/results/cited\`, and each bench says
when and on what it was measured.

Every bench starts the real server, as \`npm start\` does, as a process of its own with a database file of its own, and talks to
it over loopback. Where the machine has two cores, the server has one and the load generator the other, so that neither slows
the other down. What is compared runs in the same run, in turn, several rounds, of which the tables show the medians:
absolute times drift from machine to machine and from hour to hour, ratios within one run do not. CPU time is what the
kernel counted for the server's process, user and system. A generator that is busy for more than 95 % of the time may be
what was measured: such a run says that it does not count. Where PostgreSQL or a second core is missing, it says so, too.

| command | |
| --- | --- |
| \`npm run bench -- NAME\` | one bench: prints its tables, and writes them to \`bench/results/NAME.json\` |
| \`npm run bench -- NAME --quick\` | some seconds, to see that it works: the figures are rough |
| \`npm run bench -- NAME --profile\` | besides, where the server spends its time, and a CPU profile |
| \`npm run bench -- NAME --dist FOLDER\` | measures another build, of another commit, say |
| \`npm run bench -- NAME --write\` | writes its part of this page as well; with \`all\` for NAME, all of it |
| \`npm run bench -- gate\` | some minutes: the fan-out beside its floors and a Nest gateway; fails where it misses a target by more than 10 % |
`;

/** What a bench found, and on what. */
export interface Cited extends Report {
  readonly machine: Machine;
}

/** The page about the benches, in Markdown. */
export function benchmarksPage(cited: readonly Cited[]): Promise<string> {
  const sections = cited.map((report) =>
    [
      `## ${report.title}`,
      `\`npm run bench -- ${report.name}\``,
      report.method,
      markdown(report),
      `Measured ${measuredOn(report.machine)}.`,
    ].join('\n\n'),
  );
  return formatted([INTRODUCTION, ...sections].join('\n\n'), 'benchmarks.md');
}

function measuredOn({ date, commit, machine, loadBefore, pinned, node, versions }: Machine): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `on ${date} at ${commit.replace('+', ' and changes')}`,
    machine,
    `load average ${loadBefore} before`,
    pinned,
    `Node ${node}`,
    ...packages,
  ].join('; ');
}

/** A text as the repository formats it. */
export async function formatted(text: string, fileName: string): Promise<string> {
  return format(text, { ...(await resolveConfig(import.meta.filename)), filepath: fileName });
}
