// Preloaded into a measured server, so that the bench can ask it, from outside, for what only the process itself
// knows. Does nothing until it is asked.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** @type {Session | undefined} */
let profiler;
/** @type {{ histogram: import('node:perf_hooks').IntervalHistogram, resolution: number } | undefined} */
let delay;

/** @type {Record<string, (argument: string | number) => unknown>} */
const answers = {
  memory() {
    // The second time takes what the first one's finalizers let go of.
    collectGarbage();
    collectGarbage();
    return process.memoryUsage();
  },
  async startProfile() {
    profiler = new Session();
    profiler.connect();
    await profiler.post('Profiler.enable');
    await profiler.post('Profiler.start');
  },
  async stopProfile(path) {
    const { profile } = await profiler.post('Profiler.stop');
    profiler.disconnect();
    writeFileSync(path, JSON.stringify(profile));
  },
  startDelay(resolution) {
    const histogram = monitorEventLoopDelay({ resolution });
    histogram.enable();
    delay = { histogram, resolution };
  },
  stopDelay() {
    const { histogram, resolution } = delay;
    histogram.disable();
    // The histogram is of the time from one look to the next, in nanoseconds: that between two looks is no delay.
    const millis = (nanos) => Math.max(0, nanos / 1e6 - resolution);
    return { p50: millis(histogram.percentile(50)), p99: millis(histogram.percentile(99)), max: millis(histogram.max) };
  },
};

/** @param {{ ask: string, argument: string | number }} message */
async function reply({ ask, argument }) {
  if (Object.hasOwn(answers, ask)) process.send({ answer: ask, value: await answers[ask](argument) });
}

process.on('message', (message) => void reply(message));
// Whoever asked is gone, and nobody else would end this.
process.on('disconnect', () => process.exit());
// Listening for questions must not keep a server alive that wants to end.
process.channel.unref();
