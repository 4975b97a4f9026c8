import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** The server's core and the load generator's: neither may slow the other down. Undefined where there are not two. */
export interface Cores {
  readonly server: number;
  readonly generator: number;
}

/** Moves this process, the load generator, to a core of its own, if there are two and `taskset` is here. */
export function takeCores(): Cores | undefined {
  const [server, generator] = allowedCores();
  if (server === undefined || generator === undefined) return undefined;
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(generator), String(process.pid)]);
    return { server, generator };
  } catch {
    return undefined;
  }
}

/** Starts Node on a core: it replaces `taskset`, so the pid is its own. */
export function spawnNode(
  args: readonly string[],
  options: { readonly core?: number | undefined; readonly env?: NodeJS.ProcessEnv; readonly stdio: StdioOptions },
): ChildProcess {
  const { core, env = process.env, stdio } = options;
  if (core === undefined) return spawn(process.execPath, args, { env, stdio });
  return spawn('taskset', ['--cpu-list', String(core), process.execPath, ...args], { env, stdio });
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time that a process and all its threads have used so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  try {
    // In nanoseconds, where the kernel keeps it: Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat.
    const threads = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/schedstat`, 'latin1'));
    return threads.reduce((sum, stat) => sum + Number(stat.split(' ', 1)[0]), 0) / 1e9;
  } catch {
    // In hundredths of a second: proc_pid_stat(5), utime and stime.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is a name in parentheses, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
