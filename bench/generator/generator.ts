import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('generator.c', import.meta.url));

/** What the generator knows a publication by, unless it counts frames: exactly one in each. */
export const MARKER = '~';

/** What is sent: the same by all, or taken in turn, by connection or by request. */
export type Bytes = Buffer | readonly Buffer[];

/** Connections to open, beside those that are open already. */
export interface OpenOptions {
  readonly port: number;
  readonly connections: number;
  /** The first bytes of each. */
  readonly opening: Bytes;
  /** Whether the opening is a request of HTTP, answered with 101 or 200; true where absent. */
  readonly isHttp?: boolean;
  /** Sent once the opening is answered. */
  readonly subscribe?: Bytes | undefined;
  /** What must come then until the connection counts as open; so many data frames, where they are compressed. */
  readonly answer?: string | Buffer | { readonly frames: number } | undefined;
  /** What a publication is known by: the `MARKER` in it, which is the default, or a data frame of its own. */
  readonly counts?: 'markers' | 'frames';
  /** All is the default. Who reads less is not waited for, and counted apart. */
  readonly reads?: 'all' | 'nothing' | { readonly bytesPerSecond: number };
  /** Bytes that the kernel may hold for each, twice as much with its own; as it likes where absent. */
  readonly receiveBuffer?: number;
  /** Handshakes under way at once; 64 where absent. */
  readonly inFlight?: number;
  readonly deadlineSeconds?: number;
}

/** Who publishes, over a connection of its own, which lasts as long as one command. */
export interface Publishing {
  readonly port: number;
  /** A wave each, or what is published at once: the bytes of one or of several publications. */
  readonly request: Bytes;
  /** How many are in it that every connection gets; 0 where only the answer is to be waited for. */
  readonly publications: number;
  /** How many heads of HTTP answer one request; 1 where absent, 0 where the protocol answers nothing. */
  readonly answers?: number;
  /** What the publisher says first, and what must come then. */
  readonly opening?: Buffer | undefined;
  readonly openingAnswer?: string | Buffer | undefined;
  readonly deadlineSeconds?: number;
}

/** What every command tells. Latencies are in milliseconds. */
export interface Measured {
  readonly seconds: number;
  /** The share of a core that the generator itself used: near 1 it may be what was measured. */
  readonly busy: number;
  /** Of an open: of a handshake, with its answer. Else from publishing to receipt, by each connection. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Counted by those that read all. */
  readonly deliveries: number;
  /** How many of those the server closed meanwhile. */
  readonly closed: number;
}

export interface Opened extends Measured {
  readonly perSecond: number;
}

export interface Waves extends Measured {
  readonly waves: number;
}

export interface Paced extends Measured {
  readonly published: number;
  /** Deliveries that there would be if nothing were left out; latencies mean little where there were fewer. */
  readonly expected: number;
  readonly surplus: number;
  /** How much later than due a publication was sent, at most, in milliseconds; it is part of the latencies. */
  readonly late: number;
}

export interface Watched extends Measured {
  readonly bytes: number;
}

/** Of one `open`: how many there were, how many there are, and what they got so far. */
export interface GroupStatus {
  readonly connections: number;
  readonly open: number;
  readonly deliveries: number;
  readonly bytes: number;
}

/**
 * A load generator in C, as a process of its own on this process's core: see `generator.c`. One command at a time; each
 * throws where it failed, was not done by its deadline, or where a server delivered what nobody had published.
 */
export class Generator {
  readonly #child: ChildProcess;
  readonly #answers: NodeJS.AsyncIterator<string>;
  #files = 0;

  private constructor(
    binary: string,
    private readonly folder: string,
  ) {
    this.#child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
    // If it ended, the answer that does not come tells.
    this.#child.stdin!.on('error', () => undefined);
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** Compiles it first, once per folder; undefined where there is no C compiler. */
  static start(folder: string): Generator | undefined {
    const binary = compiled(folder);
    return binary === undefined ? undefined : new Generator(binary, folder);
  }

  /** Whether it can be compiled here. */
  static isAvailable(folder: string): boolean {
    return compiled(folder) !== undefined;
  }

  /** Opens connections; resolves when all are answered. */
  open(options: OpenOptions): Promise<Opened> {
    const { answer, reads = 'all' } = options;
    const frames = typeof answer === 'object' && 'frames' in answer ? answer.frames : undefined;
    return this.#run<Opened>('open', {
      port: options.port,
      connections: options.connections,
      openings_file: this.#records(options.opening),
      http: options.isHttp === false ? 0 : 1,
      subscribes_file: options.subscribe && this.#records(options.subscribe),
      answer_file: frames === undefined ? this.#file(answer as string | Buffer | undefined) : undefined,
      answer_frames: frames,
      count: options.counts ?? 'markers',
      rate: reads === 'all' ? -1 : reads === 'nothing' ? 0 : reads.bytesPerSecond,
      receive_buffer: options.receiveBuffer,
      in_flight: options.inFlight,
      deadline: options.deadlineSeconds,
    });
  }

  /** Publishes, waits until every connection has all of it, publishes the next: so many times, or for so long. */
  waves(publishing: Publishing, until: { readonly waves: number } | { readonly seconds: number }): Promise<Waves> {
    return this.#run<Waves>('waves', {
      ...this.#publisher(publishing),
      per_wave: publishing.publications,
      ...until,
    });
  }

  /** Publishes so many times a second, whether or not the connections keep up, and waits a while for the last. */
  paced(publishing: Publishing, perSecond: number, seconds: number, settleSeconds = 5): Promise<Paced> {
    return this.#run<Paced>('paced', {
      ...this.#publisher(publishing),
      per_request: publishing.publications,
      rate: perSecond,
      seconds,
      settle: settleSeconds,
    });
  }

  /** Counts what comes by itself. */
  watch(seconds: number): Promise<Watched> {
    return this.#run<Watched>('watch', { seconds });
  }

  /** Of each `open`, in their order. */
  async status(): Promise<readonly GroupStatus[]> {
    return (await this.#run<{ groups: GroupStatus[] }>('status', {})).groups;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#run('close', {});
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await gone;
  }

  #publisher({ port, request, answers, opening, openingAnswer, deadlineSeconds }: Publishing) {
    return {
      port,
      requests_file: this.#records(request),
      answers,
      opening_file: this.#file(opening),
      opening_answer_file: this.#file(openingAnswer),
      deadline: deadlineSeconds,
    };
  }

  async #run<T>(command: string, parameters: Readonly<Record<string, string | number | undefined>>): Promise<T> {
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
    this.#child.stdin!.write(`${[command, ...given.map(([key, value]) => `${key}=${value}`)].join('\t')}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the load generator ended, asked to ${command}`);
    const answer = JSON.parse(value) as T & { error?: string };
    if (answer.error !== undefined) throw new Error(`the load generator, asked to ${command}: ${answer.error}`);
    return answer;
  }

  #records(bytes: Bytes): string {
    const records = (Buffer.isBuffer(bytes) ? [bytes] : (bytes as readonly Buffer[])).flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(record.length);
      return [length, record];
    });
    return this.#file(Buffer.concat(records))!;
  }

  #file(bytes: string | Buffer | undefined): string | undefined {
    if (bytes === undefined) return undefined;
    const path = join(this.folder, `generator-${this.#child.pid}-${this.#files++}`);
    writeFileSync(path, bytes);
    return path;
  }
}

function compiled(folder: string): string | undefined {
  const binary = join(folder, 'generator');
  if (existsSync(binary)) return binary;
  try {
    execFileSync('cc', ['-O2', '-o', binary, SOURCE, '-lm'], { stdio: ['ignore', 'ignore', 'inherit'] });
    return binary;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
