/** A subject that listens to a channel, and over how many connections. */
export interface Listener {
  readonly subject: string;
  readonly connections: number;
}
