import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { EventLoopLag } from './event-loop-lag.js';
import type { Figures, Machine, Usage } from './machine.js';
import { parseCpuFrequency, parseMemAvailable, parseNetDev } from './proc-files.js';
import { meanFrequency, processorTime } from './processors.js';

/** The machine that this process runs on. In a container: what the kernel shows there. */
@Injectable()
export class LocalMachine implements Machine, OnModuleDestroy {
  readonly #eventLoopLag = new EventLoopLag();
  #nominalFrequency: Promise<number | null> | undefined;

  onModuleDestroy(): void {
    this.#eventLoopLag.stop();
  }

  now(): number {
    return performance.now();
  }

  usage(): Usage {
    return this.#usageOf(os.cpus());
  }

  async read(): Promise<Figures> {
    const cpus = os.cpus();
    const usage = this.#usageOf(cpus);
    const eventLoopLag = this.#eventLoopLag.take()?.p99 ?? null;
    const { rss: memoryRss, heapUsed } = process.memoryUsage();
    const [cpuFrequency, available, disk, network] = await Promise.all([
      this.#frequencyOf(cpus),
      readMemAvailable(),
      readDisk(),
      readNetwork(),
    ]);
    return {
      usage,
      cpuCount: cpus.length || null,
      cpuFrequency,
      memory: { total: os.totalmem(), available },
      disk,
      network,
      process: { memoryRss, heapUsed, uptimeSeconds: process.uptime(), eventLoopLag },
    };
  }

  #usageOf(cpus: readonly os.CpuInfo[]): Usage {
    const { user, system } = process.cpuUsage();
    return { at: this.now(), ...processorTime(cpus), process: (user + system) / 1000 };
  }

  /** Virtual machines often say no current frequency, only the nominal one. That one stays, so it is read once. */
  async #frequencyOf(cpus: readonly os.CpuInfo[]): Promise<number | null> {
    const current = meanFrequency(cpus.map(({ speed }) => speed));
    return current ?? (this.#nominalFrequency ??= parsed('/proc/cpuinfo', parseCpuFrequency));
  }
}

async function readMemAvailable(): Promise<number> {
  return (await parsed('/proc/meminfo', parseMemAvailable)) ?? os.freemem();
}

function readNetwork(): Promise<Figures['network']> {
  return parsed('/proc/net/dev', parseNetDev);
}

async function readDisk(): Promise<Figures['disk']> {
  try {
    // Not `process.cwd()`, which throws where the directory is gone.
    const { bsize, blocks, bfree, bavail } = await statfs('.');
    return { total: blocks * bsize, free: bfree * bsize, available: bavail * bsize };
  } catch {
    return null;
  }
}

/** Only Linux has these files, and a sandbox may hide them: `null` there. */
async function parsed<T>(path: string, parse: (text: string) => T | null): Promise<T | null> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}
