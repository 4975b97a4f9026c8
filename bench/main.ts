import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { dashboards } from './dashboards/dashboards.bench.js';
import { fanout } from './fanout/fanout.bench.js';
import { gate } from './fanout/gate.bench.js';
import type { Bench } from './harness/bench.js';
import { takeCores } from './harness/cores.js';
import { readMachine } from './harness/machine.js';
import { type Cited, benchmarksPage, formatted } from './harness/page.js';
import { type Report, failures, markdown } from './harness/report.js';
import { history } from './history/history.bench.js';
import { idle } from './idle/idle.bench.js';
import { inbound } from './inbound/inbound.bench.js';
import { ingest } from './ingest/ingest.bench.js';
import { resume } from './resume/resume.bench.js';
import { scale } from './scale/scale.bench.js';
import { slow } from './slow/slow.bench.js';
import { state } from './state/state.bench.js';

/** Those that the page shows. */
const SHOWN: Readonly<Record<string, Bench>> = {
  ingest,
  state,
  history,
  resume,
  idle,
  inbound,
  dashboards,
  scale,
  slow,
  fanout,
};
const BENCHES: Readonly<Record<string, Bench>> = { ...SHOWN, gate };
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, 'bench/results');
/** Results that the page shows, kept with it. */
const CITED = join(RESULTS, 'cited');
/** Load average before the benches, above which something else has the cores. */
const BUSY_MACHINE = 1;
const USAGE = `npm run bench -- ${Object.keys(BENCHES).join('|')}|all [--quick] [--profile] [--dist FOLDER] [--write]

  --quick    some seconds each, to see that they work: the figures are rough
  --profile  says where the server spends its time, which itself takes time: the figures do not count
  --dist     measures another build than dist/
  --write    writes its part of docs/benchmarks.md; not of gate, and without --quick and --profile

all is all but gate, which ends with 1 where a target is missed by more than 10 %.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    dist: { type: 'string', default: join(ROOT, 'dist') },
  },
});
const isAll = positionals.length === 1 && positionals[0] === 'all';
const names = isAll ? Object.keys(SHOWN) : positionals;
const isKnown = names.length > 0 && names.every((name) => Object.hasOwn(BENCHES, name));
const isShown = names.every((name) => Object.hasOwn(SHOWN, name));
if (!isKnown || (options.write && (!isShown || options.quick || options.profile))) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const cores = takeCores();
const machine = readMachine(cores);
for (const name of names) {
  say(`${name}: measuring, load average ${machine.loadBefore} before`);
  const report = await run(name);
  write(join(RESULTS, `${name}.json`), JSON.stringify({ machine, ...report }));
  if (options.write) await cite({ machine, ...report });
  process.stdout.write(`\n${report.title}\n\n${markdown(report)}\n\n`);
  for (const { what } of failures(report)) {
    say(`${name} failed: ${what}`);
    process.exitCode = 1;
  }
}
if (options.write) write(join(ROOT, 'docs/benchmarks.md'), await benchmarksPage(citedReports()));

async function run(name: string): Promise<Report> {
  const temporary = mkdtempSync(join(tmpdir(), 'metricast-bench-'));
  try {
    const report = await BENCHES[name]!({
      quick: options.quick,
      cores,
      dist: pathToFileURL(`${resolve(options.dist)}/`),
      temporary,
      profiles: options.profile ? RESULTS : undefined,
      say,
    });
    const caveats = [
      ...(cores ? [] : ['Server and load generator shared their cores: there was nothing to pin them to.']),
      ...(Number(machine.loadBefore) > BUSY_MACHINE
        ? [`The machine was busy with other things (load average ${machine.loadBefore}): only ratios mean anything.`]
        : []),
      ...(options.quick ? ['A quick run: the figures are rough.'] : []),
      ...(options.profile ? ['A profiled run: the figures do not count.'] : []),
    ];
    return { ...report, notes: [...report.notes, ...caveats] };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function cite(report: Cited): Promise<void> {
  const path = join(CITED, `${report.name}.json`);
  write(path, await formatted(JSON.stringify(report), path));
}

/** Those that were cited so far, in the order of the page. */
function citedReports(): Cited[] {
  return Object.keys(SHOWN)
    .map((name) => join(CITED, `${name}.json`))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Cited);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}
