import { expect, it } from 'vitest';
import { SkillBacklog } from '../../../../src/feeds/skills/skill-backlog.js';
import { ACME, tenantId } from '../../../support/principals.js';

const GLOBEX = tenantId('globex');

it('gives skills back once each, those first that came first', () => {
  const backlog = new SkillBacklog();
  backlog.add(ACME, ['b', 'a', 'b']);
  backlog.add(ACME, ['c', 'a']);
  backlog.add(GLOBEX, ['z']);

  expect(backlog.take(ACME, 2)).toEqual(['b', 'a']);
  backlog.add(ACME, ['b']);
  expect(backlog.take(ACME, 9)).toEqual(['c', 'b']);
  expect(backlog.take(ACME, 9)).toEqual([]);
  expect(backlog.take(GLOBEX, 9)).toEqual(['z']);
});

it('keeps no more of a tenant than it may', () => {
  const backlog = new SkillBacklog(2);
  backlog.add(ACME, ['a', 'b', 'c']);
  backlog.add(GLOBEX, ['c']);

  expect(backlog.take(ACME, 9)).toEqual(['a', 'b']);
  expect(backlog.take(GLOBEX, 9)).toEqual(['c']);
});

it('gives a turn to each tenant that waits, and to no other', async () => {
  const backlog = new SkillBacklog();
  backlog.add(ACME, ['a', 'b']);
  backlog.add(GLOBEX, []);
  const turns: string[] = [];
  const round = () =>
    backlog.inTurn(async (tenant) => {
      turns.push(tenant, ...backlog.take(tenant, 1));
    });
  await round();
  backlog.add(GLOBEX, ['c']);
  await round();
  await round();

  expect(turns).toEqual([ACME, 'a', ACME, 'b', GLOBEX, 'c']);
});

it('goes on with the next round after one that failed', async () => {
  const backlog = new SkillBacklog();
  backlog.add(ACME, ['a']);
  await expect(backlog.inTurn(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
  const turns: string[] = [];
  await backlog.inTurn(async (tenant) => {
    turns.push(tenant);
  });

  expect(turns).toEqual([ACME]);
});
