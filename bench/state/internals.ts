import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

type AppModule = typeof import('../../src/app.module.js').AppModule;
type AnomalyDetector = typeof import('../../src/feeds/skills/anomaly-detector.js').AnomalyDetector;
type SkillsFeed = typeof import('../../src/feeds/skills/skills.feed.js').SkillsFeed;
type SkillsRecorder = typeof import('../../src/feeds/skills/skills.recorder.js').SkillsRecorder;

/** The parts of the built server that are measured one by one. */
export interface Internals {
  readonly AppModule: AppModule;
  readonly AnomalyDetector: AnomalyDetector;
  readonly SkillsFeed: SkillsFeed;
  readonly SkillsRecorder: SkillsRecorder;
}

export async function loadInternals(dist: URL): Promise<Internals> {
  const load = (path: string) => import(new URL(path, dist).href) as Promise<unknown>;
  const parts = await Promise.all([
    load('app.module.js'),
    load('feeds/skills/anomaly-detector.js'),
    load('feeds/skills/skills.feed.js'),
    load('feeds/skills/skills.recorder.js'),
  ]);
  return Object.assign({}, ...parts) as Internals;
}

/** The server's module without its sockets, on a database of its own. */
export function openContext({ AppModule }: Internals, path: string): Promise<INestApplicationContext> {
  const module = AppModule.with({ database: `sqlite:${path}` });
  return NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
}
