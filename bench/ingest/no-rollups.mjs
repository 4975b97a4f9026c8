// Preloaded into the server: points are stored without their rollups, so that the bench knows what these cost.
import { pathToFileURL } from 'node:url';

const main = pathToFileURL(process.argv[1]);
const { SqliteTransactor } = await import(new URL('store/sqlite.transactor.js', main).href);

/** The same write without what it leaves for the end of its transaction. */
function* withoutDeferred(write) {
  const steps = write();
  let step = steps.next();
  while (!step.done) step = steps.next('writeAll' in step.value ? [] : yield step.value);
  return step.value;
}

// oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
const commit = SqliteTransactor.prototype.commit;
SqliteTransactor.prototype.commit = function (writes, ...rest) {
  return commit.call(
    this,
    writes.map((write) => () => withoutDeferred(write)),
    ...rest,
  );
};
