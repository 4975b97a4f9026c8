import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { expect, it, vi } from 'vitest';
import { MAX_ITEMS } from '../../../src/recording/index.js';
import { MAX_ROWS_QUEUED, type Write, WriteQueue } from '../../../src/store/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { type Storage, newTenant } from '../../support/storage.js';

const BUSY = { code: 'busy', details: { retryAfter: 1 } };

/** What the queue has to do over a transactor. */
export function writeQueueContract(storage: () => Storage, another: () => Promise<Storage>): void {
  /** Claims an id: a write that shows whether it was done, and fails where `id` was written before. */
  const writing = (id: string) =>
    function* (): Write<string> {
      yield {
        into: 'metricast_recorded_id',
        columns: ['tenant_id', 'kind', 'id', 'recorded_at'],
        rows: [['t', 'q', id, 0]],
      };
      return id;
    };
  const written = async (ids: readonly string[]) => {
    const rows = await storage().rows(`SELECT id FROM metricast_recorded_id WHERE kind = 'q'`);
    const all = new Set(rows.map(({ id }) => id));
    return ids.filter((id) => all.has(id));
  };
  const newIds = (count: number) => Array.from({ length: count }, () => randomUUID());
  const sizesSince = (start: number) => storage().transactor.sizes.slice(start);
  const commitsSoFar = () => storage().transactor.sizes.length;

  it('answers in the order of the calls', async () => {
    const ids = newIds(100);
    const answered: string[] = [];
    await Promise.all(ids.map(async (id) => answered.push(await storage().write(writing(id), 30))));

    expect(answered).toEqual(ids);
    expect(await written(ids)).toEqual(ids);
  });

  it('commits what one turn brings in together', async () => {
    const before = commitsSoFar();
    await Promise.all(newIds(20).map((id) => storage().write(writing(id))));

    expect(sizesSince(before)).toEqual([20]);
  });

  it('commits together what arrives while it commits', async () => {
    const before = commitsSoFar();
    const release = storage().transactor.hold();
    const first = storage().write(writing(randomUUID()));
    await vi.waitFor(() => expect(sizesSince(before)).toEqual([1]));
    const others = newIds(10).map((id) => storage().write(writing(id)));
    release();
    await Promise.all([first, ...others]);

    expect(sizesSince(before)).toEqual([1, 10]);
  });

  it('tells of each commit how many rows it wrote, and how long it took', async () => {
    const queue = new WriteQueue(storage().transactor);
    const told: [rows: number, milliseconds: number][] = [];
    queue.onCommit((rows, milliseconds) => told.push([rows, milliseconds]));
    const [taken] = newIds(1) as [string];
    await Promise.all([queue.write(30, writing(taken)), queue.write(12, writing(randomUUID()))]);
    await queue.write(1, writing(taken)).catch(() => undefined);

    expect(told.map(([rows]) => rows)).toEqual([42]);
    expect(told[0]![1]).toBeGreaterThan(0);
  });

  it('tells when all that was asked for is written, and waits for nothing that is asked for later', async () => {
    const [taken] = newIds(1) as [string];
    await storage().write(writing(taken));
    let written = 0;
    const count = () => void written++;
    const before = commitsSoFar();
    let release = storage().transactor.hold();
    const first = storage().write(writing(randomUUID())).then(count);
    await vi.waitFor(() => expect(sizesSince(before)).toEqual([1]));
    const others = newIds(5).map((id) => storage().write(writing(id)).then(count));
    // The newest fails, and the others of its transaction are tried again.
    const failing = storage()
      .write(writing(taken))
      .catch(() => undefined);
    const asked = storage()
      .queue.written()
      .then(() => written);
    const later = storage().write(writing(randomUUID()), storage().transactor.rowsAtOnce).then(count);
    release();
    release = storage().transactor.hold();
    await first;
    expect(written).toBe(1);
    release();
    await Promise.all([...others, failing]);

    expect(await asked).toBe(6);
    await later;
    await storage().queue.written();
  });

  it('is busy from the first write that finds no room until half of it is free', async () => {
    const queue = new WriteQueue(storage().transactor, 100);
    const busyAfter = async (write: Promise<unknown>) => (await write.catch(() => undefined), queue.isBusy);
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    const release = storage().transactor.hold();
    const writes = [queue.write(40, writing(randomUUID())), queue.write(60, writing(randomUUID()))];
    const isBusyWhenFull = queue.isBusy;
    const isBusyWhenRefused = await busyAfter(queue.write(1, writing(randomUUID())));
    await busyAfter(queue.write(1, writing(randomUUID())));
    Logger.overrideLogger(false);
    // However many are refused until then, the log is told once.
    expect(log.text.split('No more writes are taken: 100 rows wait')).toHaveLength(2);
    release();
    await Promise.all(writes);

    expect([isBusyWhenFull, isBusyWhenRefused, queue.isBusy]).toEqual([false, true, false]);
    // Nothing waits: the write itself was too large.
    expect(await busyAfter(queue.write(101, writing(randomUUID())))).toBe(false);
  });

  it('takes as many rows into a commit as the transactor likes, but for a single write that has more', async () => {
    const before = commitsSoFar();
    const most = storage().transactor.rowsAtOnce;
    const rows = [0.4, 0.4, 0.4, 5, 0.6, 0.4].map((share) => share * most);
    await Promise.all([...rows, 1].map((count) => storage().write(writing(randomUUID()), count)));

    expect(sizesSince(before)).toEqual([2, 1, 1, 2, 1]);
  });

  it('a write that fails does so alone, and leaves nothing behind', async () => {
    const [taken, partly, ...ids] = newIds(6) as [string, string, ...string[]];
    await storage().write(writing(taken));
    const before = commitsSoFar();
    const failing = function* (): Write<void> {
      yield* writing(partly)();
      yield* writing(taken)();
    };
    const results = await Promise.allSettled([
      storage().write(writing(ids[0]!)),
      storage().write(failing),
      storage().write(writing(ids[1]!)),
      storage().write(failing),
      storage().write(writing(ids[2]!)),
      storage().write(writing(ids[3]!)),
    ]);

    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, true, true]);
    expect(results[1]).toMatchObject({ reason: BUSY });
    expect(await written([partly, ...ids])).toEqual(ids);
    expect(sizesSince(before)).toEqual([6, 5, 4]);
  });

  it('writes what is brought together one after the other, and in between nothing else', async () => {
    const [before, ids] = [commitsSoFar(), newIds(4)];
    const answered: string[] = [];
    const note = (written: Promise<string>) => written.then((id) => answered.push(id));
    // However few rows they have: what they do beside these may be much more.
    const writes = ids.slice(0, 3).map((id) => ({ rows: 1, write: writing(id) }));
    const notes = storage().queue.writeAll(writes).map(note);
    await Promise.all([...notes, note(storage().write(writing(ids[3]!)))]);

    expect(answered).toEqual(ids);
    expect(sizesSince(before)).toEqual([1, 1, 2]);
  });

  it('where one fails that was brought with others, gives up those that are not committed yet', async () => {
    const [taken, first, second, other] = newIds(4) as [string, string, string, string];
    await storage().write(writing(taken));
    const before = commitsSoFar();
    const sized = [first, taken, second].map((id) => ({ rows: 1, write: writing(id) }));
    const results = await Promise.allSettled([...storage().queue.writeAll(sized), storage().write(writing(other))]);

    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, false, true]);
    for (const result of results.slice(1, 3)) expect(result).toMatchObject({ reason: BUSY });
    expect(await written([first, second, other])).toEqual([first, other]);
    expect([sizesSince(before), storage().queue.queuedRows]).toEqual([[1, 1, 1], 0]);
  });

  it('refuses at once what it has no room for as a whole', async () => {
    const queue = new WriteQueue(storage().transactor, 10);
    const [first, second, third] = newIds(3) as [string, string, string];
    const release = storage().transactor.hold();
    const waiting = queue.write(5, writing(first));
    const writes = [second, third].map((id) => ({ rows: 3, write: writing(id) }));
    expect(() => queue.writeAll(writes)).toThrow(expect.objectContaining(BUSY) as Error);
    expect(queue.queuedRows).toBe(5);
    release();
    await waiting;
    await Promise.all(queue.writeAll(writes));

    expect(await written([first, second, third])).toEqual([first, second, third]);
  });

  it('where the database takes nothing, all fail at once and none is tried again', async () => {
    const broken = await another();
    await broken.dataSource.destroy();
    const results = await Promise.allSettled(newIds(5).map((id) => broken.write(writing(id))));

    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(results[4]).toMatchObject({ reason: BUSY });
    expect(broken.transactor.sizes).toEqual([5]);
    expect(broken.queue.queuedRows).toBe(0);
  });

  it('says that it is busy when it is full, and takes more when it is not', async () => {
    const queue = new WriteQueue(storage().transactor, 10);
    const [first, second, refused, third] = newIds(4) as [string, string, string, string];
    const release = storage().transactor.hold();
    const waiting = [queue.write(6, writing(first)), queue.write(4, writing(second))];
    expect(queue.queuedRows).toBe(10);
    await expect(queue.write(1, writing(refused))).rejects.toMatchObject(BUSY);
    release();
    await Promise.all(waiting);
    expect(queue.queuedRows).toBe(0);
    await queue.write(10, writing(third));

    expect(await written([first, second, refused, third])).toEqual([first, second, third]);
  });

  it('is told of all the rows that items of a kind become, totals included', async () => {
    const { skills, usage, decisions, executions, metrics, alerts, queue, transactor } = storage();
    const tenant = newTenant();
    const among = { tool_id: 't', session_id: 's' };
    const kinds = {
      skills: () => skills.record(tenant, { skill_name: 's', completed: true }),
      usage: () => usage.record(tenant, { kind: 'embedding', ...among }),
      decisions: () => decisions.record(tenant, { strategy: 's', provider: 'p', confidence: 1, cost: 1 }),
      executions: () =>
        executions.record(tenant, {
          run_id: randomUUID(),
          agent_id: 'a',
          status: 'completed',
          runtime_seconds: 1,
          ...among,
        }),
      metrics: () => metrics.record(tenant, { channel: 'c.metrics', name: 'n', type: 'gauge', value: 1 }),
      alerts: () => alerts.record(tenant, { type: 't', message: 'm', priority: 'low' }),
    };
    for (const [kind, record] of Object.entries(kinds)) {
      // The first item of a kind may bring what later ones find: a series, a type of event.
      await record();
      const before = transactor.statements.length;
      const release = transactor.hold();
      const recorded = record();
      const told = queue.queuedRows;
      release();
      await recorded;
      const inserts = transactor.statements.slice(before).flatMap((one) => ('into' in one ? [one.rows.length] : []));
      const rows = inserts.reduce((sum, count) => sum + count, 0);
      expect({ kind, told, isEnough: told >= rows }).toEqual({ kind, told, isEnough: true });
      // A request of the most items that one may have is never too large for an empty queue.
      expect(told * MAX_ITEMS).toBeLessThanOrEqual(MAX_ROWS_QUEUED);
    }
  });

  it('is drained when everything is stored or has failed', async () => {
    const [taken, ...ids] = newIds(20) as [string, ...string[]];
    await storage().write(writing(taken));
    const failed = vi.fn();
    for (const id of ids) void storage().write(writing(id), 400);
    storage().write(writing(taken)).catch(failed);
    await storage().queue.drain();

    expect(await written(ids)).toEqual(ids);
    expect(failed).toHaveBeenCalled();
  });

  it('is drained at once when nothing waits', async () => {
    const before = commitsSoFar();
    await storage().queue.drain();
    expect(sizesSince(before)).toEqual([]);
  });
}
