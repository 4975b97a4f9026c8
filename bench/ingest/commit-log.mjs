// Preloaded into the server: notes when each SQLite transaction began and ended and what was the newest point in it,
// so that the bench knows when a given point was committed. Costs an indexed look-up a commit.
import Database from 'better-sqlite3';

const NEWEST = 'SELECT max(point_id) FROM metricast_metric_point';

/** Of each commit: begin, commit statement, end (milliseconds of the system's steady clock), newest point's id. */
/** @type {[number, number, number, number][]} */
let commits = [];
let begunAt = 0;

/** The same clock in every process of this machine. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

// oxlint-disable typescript/unbound-method -- each is called with its own `this` below
const prepare = Database.prototype.prepare;
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  const run = statement.run;
  if (sql === 'BEGIN IMMEDIATE') {
    statement.run = function () {
      begunAt = now();
      return run.call(this);
    };
  } else if (sql === 'COMMIT') {
    const newest = prepare.call(this, NEWEST).pluck();
    statement.run = function () {
      const commitAt = now();
      const result = run.call(this);
      const endedAt = now();
      commits.push([begunAt, commitAt, endedAt, newest.get() ?? 0]);
      return result;
    };
  }
  return statement;
};

process.on('message', ({ ask }) => {
  if (ask !== 'commits') return;
  process.send({ answer: 'commits', value: commits });
  commits = [];
});
