import type { Cores } from './cores.js';
import type { Report } from './report.js';

/** How a bench is to be run. */
export interface BenchContext {
  /** Short: shows that the bench works, and roughly what comes out. */
  readonly quick: boolean;
  readonly cores: Cores | undefined;
  /** The folder of the built package. */
  readonly dist: URL;
  /** A folder for databases, which is removed afterwards. */
  readonly temporary: string;
  /** Where to put CPU profiles of the server, if they are wanted. */
  readonly profiles: string | undefined;
  /** Says how far it is. */
  readonly say: (line: string) => void;
}

export type Bench = (context: BenchContext) => Promise<Report>;
