// Preloaded into the server: counts the statements that it runs on SQLite.
import Database from 'better-sqlite3';

let queries = 0;

// oxlint-disable typescript/unbound-method -- each is called with its own `this` below
const prepare = Database.prototype.prepare;
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  for (const name of ['run', 'get', 'all', 'iterate']) {
    const execute = statement[name];
    statement[name] = function (...parameters) {
      queries++;
      return execute.apply(this, parameters);
    };
  }
  return statement;
};

process.on('message', ({ ask }) => {
  if (ask === 'queries') process.send({ answer: 'queries', value: queries });
});
