import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { type SqlValue, type Write, WriteError, deferred, insertSql } from '../../../src/store/index.js';
import type { Storage } from '../../support/storage.js';

const COLUMNS = ['id', 'flag', 'amount', 'at'];

/** What a transactor has to do, whatever it writes to. */
export function transactorContract(storage: () => Storage): void {
  beforeAll(async () => {
    await storage().dataSource.query(
      'CREATE TABLE scratch (id varchar PRIMARY KEY, flag boolean, amount double precision, at bigint)',
    );
  });

  const commit = (...writes: (() => Write<unknown>)[]) => storage().transactor.commit(writes);
  const idsOf = async (prefix: string) => {
    const rows = await storage().rows('SELECT id FROM scratch WHERE id LIKE $1 ORDER BY id', [`${prefix}%`]);
    return rows.map(({ id }) => String(id).slice(prefix.length));
  };

  it('commits all writes and returns what each returned, in order', async () => {
    const prefix = randomUUID();
    const results = await commit(
      function* () {
        yield row(`${prefix}a`);
        return 'first';
      },
      function* () {
        yield row(`${prefix}b`);
        return 'second';
      },
    );

    expect(results).toEqual(['first', 'second']);
    expect(await idsOf(prefix)).toEqual(['a', 'b']);
  });

  it('a statement that the database refuses takes the whole transaction with it, and its write is named', async () => {
    const prefix = randomUUID();
    const error: unknown = await commit(
      writing(`${prefix}a`),
      writing(`${prefix}b`, `${prefix}a`),
      writing(`${prefix}c`),
    ).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(WriteError);
    expect(error).toMatchObject({ index: 1, cause: { message: expect.stringMatching(/unique/i) as string } });
    expect(await idsOf(prefix)).toEqual([]);
  });

  it('a write that throws by itself takes the whole transaction with it, and is named', async () => {
    const prefix = randomUUID();
    const cause = new Error('a mistake in a write');
    const failing = function* (): Write<void> {
      yield row(`${prefix}b`);
      throw cause;
    };

    await expect(commit(writing(`${prefix}a`), failing)).rejects.toMatchObject({ index: 1, cause });
    expect(await idsOf(prefix)).toEqual([]);
  });

  it('after a transaction that failed the next one succeeds', async () => {
    const prefix = randomUUID();
    await expect(commit(writing(`${prefix}a`, `${prefix}a`))).rejects.toThrow();
    await commit(writing(`${prefix}a`));

    expect(await idsOf(prefix)).toEqual(['a']);
  });

  it('a write reads what it and those before it in the transaction wrote', async () => {
    const prefix = randomUUID();
    const [, seen] = await commit(writing(`${prefix}a`), function* () {
      yield row(`${prefix}b`);
      return yield { sql: 'SELECT id FROM scratch WHERE id LIKE $1 ORDER BY id', values: [`${prefix}%`] };
    });

    expect(seen).toEqual([{ id: `${prefix}a` }, { id: `${prefix}b` }]);
  });

  it('returns the rows that an insert really wrote', async () => {
    const prefix = randomUUID();
    await commit(writing(`${prefix}b`));
    const [returned] = await commit(function* () {
      return yield {
        into: 'scratch',
        columns: COLUMNS,
        rows: ['a', 'b', 'c'].map((name) => [prefix + name, true, 1, 1]),
        onConflict: 'ON CONFLICT (id) DO NOTHING',
        returning: ['id'],
      };
    });

    expect(returned).toEqual([{ id: `${prefix}a` }, { id: `${prefix}c` }]);
  });

  it('numbers the rows that it inserts, in their order', async () => {
    const channel = randomUUID();
    const inserting = (count: number, first: number) => (): Write<unknown> => numbering(channel, count, first);
    const [few, many] = await commit(inserting(3, 0), inserting(1234, 3));
    const [more] = await commit(inserting(41, 1237));

    const rows = await storage().rows(
      'SELECT event_id, timestamp FROM metricast_event WHERE channel = $1 ORDER BY timestamp',
      [channel],
    );
    const numbers = [few, many, more].flat() as { event_id: number }[];
    expect(numbers.map(({ event_id }) => event_id)).toEqual(rows.map(({ event_id }) => Number(event_id)));
    expect(rows).toHaveLength(1278);
  });

  it('writes what was deferred once, at the end, in the order in which it came', async () => {
    const prefix = randomUUID();
    const written: string[][] = [];
    const writeAll = function* (ids: readonly string[]): Write<void> {
      written.push([...ids]);
      yield* writing(...ids)();
    };
    const deferring = (...ids: string[]) =>
      function* (): Write<unknown> {
        for (const id of ids) yield deferred(prefix + id, writeAll);
        return yield { sql: 'SELECT id FROM scratch WHERE id LIKE $1', values: [`${prefix}%`] };
      };
    const seen = await commit(deferring('a', 'c'), deferring('b'));

    expect(seen).toEqual([[], []]);
    expect(written).toEqual([['a', 'c', 'b'].map((id) => prefix + id)]);
    expect(await idsOf(prefix)).toEqual(['a', 'b', 'c']);
  });

  it('what was deferred by a transaction that failed is forgotten', async () => {
    const prefix = randomUUID();
    const writeAll = (ids: readonly string[]) => writing(...ids)();
    const deferring = (id: string, after: () => void = () => undefined) =>
      function* (): Write<void> {
        yield deferred(prefix + id, writeAll);
        after();
      };
    const failing = deferring('b', () => {
      throw new Error('a mistake in a write');
    });
    await expect(commit(deferring('a'), failing)).rejects.toBeInstanceOf(WriteError);
    await commit(deferring('c'));

    expect(await idsOf(prefix)).toEqual(['c']);
  });

  it('where what was deferred cannot be written nothing is, and no write is to blame', async () => {
    const prefix = randomUUID();
    const error: unknown = await commit(writing(`${prefix}a`), function* () {
      yield deferred(`${prefix}a`, (ids: readonly string[]) => writing(...ids)());
    }).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ message: expect.stringMatching(/unique/i) as string });
    expect(error).not.toBeInstanceOf(WriteError);
    expect(await idsOf(prefix)).toEqual([]);
  });

  it('adds to the rows that an insert meets', async () => {
    const prefix = randomUUID();
    const add = (amount: number) => () => adding(`${prefix}a`, amount);
    await commit(add(1.5), add(2.25));
    await commit(add(4));

    const [total] = await storage().rows('SELECT amount FROM scratch WHERE id = $1', [`${prefix}a`]);
    expect(total).toEqual({ amount: 7.75 });
  });

  it('returns the rows of an update', async () => {
    const prefix = randomUUID();
    await commit(writing(`${prefix}a`, `${prefix}b`));
    const [updated] = await commit(function* () {
      return yield {
        sql: 'UPDATE scratch SET amount = $1 WHERE id LIKE $2 RETURNING id, amount',
        values: [3, `${prefix}%`],
      };
    });

    expect(updated).toHaveLength(2);
    expect(updated).toContainEqual({ id: `${prefix}b`, amount: 3 });
  });

  it('takes more values in one insert than a statement of PostgreSQL can have parameters', async () => {
    const prefix = randomUUID();
    const rows = Array.from({ length: 17_000 }, (_, index) => [`${prefix}${index}`, true, index, index]);
    expect(rows.length * COLUMNS.length).toBeGreaterThan(65_535);

    const [returned] = await commit(function* () {
      return yield { into: 'scratch', columns: COLUMNS, rows, returning: ['id'] };
    });

    expect((returned as { id: string }[]).map(({ id }) => id)).toEqual(rows.map(([id]) => id));
    const [sums] = await storage().rows('SELECT COUNT(*) AS count, SUM(amount) AS sum FROM scratch WHERE id LIKE $1', [
      `${prefix}%`,
    ]);
    expect([Number(sums!['count']), sums!['sum']]).toEqual([17_000, (17_000 * 16_999) / 2]);
  });

  it('gives values back as they were', async () => {
    const values = fc.record({
      // What is refused at the door does not get here: control characters and halves of surrogate pairs.
      text: fc.string({ unit: 'grapheme', maxLength: 50 }).map((text) => text.replaceAll(/\p{Cc}/gu, '')),
      flag: fc.option(fc.boolean()),
      amount: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((amount) => amount + 0)),
      at: fc.option(fc.integer({ min: 0, max: Date.UTC(9999, 0) })),
    });
    const property = fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 20 }), async (given) => {
      const prefix = randomUUID();
      const rows = given.map(({ text, flag, amount, at }, index): SqlValue[] => [
        `${prefix}${String(index).padStart(2, '0')}${text}`,
        flag,
        amount,
        at,
      ]);
      await commit(function* () {
        yield { into: 'scratch', columns: COLUMNS, rows };
      });

      const stored = await storage().rows('SELECT * FROM scratch WHERE id LIKE $1 ORDER BY id', [`${prefix}%`]);
      expect(stored.map(readBack)).toEqual(rows);
    });
    await fc.assert(property, { numRuns: 50 });
  });

  it('numbers the parameters of an insert row by row', () => {
    const insert = { into: 'scratch', columns: ['id', 'at'], rows: [] };
    expect(insertSql(insert, 2)).toBe('INSERT INTO scratch (id, at) VALUES ($1, $2), ($3, $4)');
  });
}

function row(id: string) {
  return { into: 'scratch', columns: COLUMNS, rows: [[id, true, 1, 1]] };
}

/** A write of one row for each id. */
function writing(...ids: string[]) {
  return function* (): Write<void> {
    for (const id of ids) yield row(id);
  };
}

function* numbering(channel: string, count: number, first: number): Write<unknown> {
  return yield {
    into: 'metricast_event',
    columns: ['tenant_id', 'channel', 'type', 'timestamp', 'tags', 'data'],
    rows: Array.from({ length: count }, (_, index) => ['t', channel, 'x', first + index, '', '{}']),
    numbered: 'event_id',
  };
}

function* adding(id: string, amount: number): Write<void> {
  yield {
    into: 'scratch',
    columns: COLUMNS,
    rows: [[id, true, amount, 1]],
    onConflict: 'ON CONFLICT (id) DO UPDATE SET amount = scratch.amount + excluded.amount',
  };
}

/** SQLite knows no booleans, and PostgreSQL's driver gives a `bigint` as text. */
function readBack(stored: Readonly<Record<string, unknown>>): unknown[] {
  const { id, flag, amount, at } = stored;
  return [id, flag === null ? null : Boolean(flag), amount, at === null ? null : Number(at)];
}
