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

export interface SpawnOptions {
  readonly core?: number | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio: StdioOptions;
}

/** Starts Node on a core. */
export function spawnNode(args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawnOnCore(process.execPath, args, options);
}

/** Starts a program on a core: it replaces `taskset`, so the pid is its own. */
export function spawnOnCore(
  program: string,
  args: readonly string[],
  { core, env = process.env, stdio }: SpawnOptions,
): ChildProcess {
  if (core === undefined) return spawn(program, args, { env, stdio });
  return spawn('taskset', ['--cpu-list', String(core), program, ...args], { env, stdio });
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
    const { user, system } = clockTimes(pid);
    return user + system;
  }
}

/**
 * Time that a process and all its threads were ready to run and had no core, in seconds: something else had it. NaN where
 * the kernel does not keep it.
 */
export function waitedSeconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  try {
    const threads = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/schedstat`, 'latin1'));
    return threads.reduce((sum, stat) => sum + Number(stat.split(' ', 2)[1]), 0) / 1e9;
  } catch {
    return Number.NaN;
  }
}

/**
 * User time that a process has used so far, in seconds. The kernel tells user from system time by looking some hundred
 * times a second, so it means something only over seconds.
 */
export function userSeconds(pid: number): number {
  return clockTimes(pid).user;
}

/** In hundredths of a second: proc_pid_stat(5), utime and stime. */
function clockTimes(pid: number): { readonly user: number; readonly system: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is a name in parentheses, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND };
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
