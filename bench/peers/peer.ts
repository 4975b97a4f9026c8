import type { OpenOptions, Publishing } from '../generator/generator.js';
import { post } from '../generator/wire.js';
import type { BenchContext } from '../harness/bench.js';
import { messages } from './message.js';

/** A process that is measured from outside. */
export interface MeasuredServer {
  readonly port: number;
  readonly cpuSeconds: number;
  readonly userSeconds: number;
  stop(): Promise<void>;
}

/** What a client says to be sent all messages, and how the load generator knows them. */
export type Client = Pick<OpenOptions, 'opening' | 'subscribe' | 'answer' | 'counts'>;

/** A running server that sends messages to many. */
export interface Peer {
  readonly server: MeasuredServer;
  readonly client: Client;
  /** What is sent to the server, to be sent so many messages at once to everyone. */
  publishing(count: number): Publishing;
}

/** Why there is none. */
export interface Skipped {
  readonly skipped: string;
}

export interface PeerKind {
  readonly name: string;
  start(context: BenchContext): Promise<Peer | Skipped>;
}

/** How all servers take messages that are written for this bench. */
export function publishingByHttp(port: number): Peer['publishing'] {
  return (count) => ({ port, request: post('/publish', messages(count)), publications: count });
}
