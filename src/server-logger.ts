import { ConsoleLogger } from '@nestjs/common';

/** What JSON leaves as it is beyond ASCII's control characters, and no log should hold: see {@link ServerLogger}. */
const UNPRINTABLE = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The log of the standalone server: in JSON a line an entry, and in each line nothing that a terminal or a page would not show. */
export class ServerLogger extends ConsoleLogger {
  protected override stringifyJsonLogObject(entry: Record<string, unknown>): string {
    // Another way to write the same JSON.
    return super
      .stringifyJsonLogObject(entry)
      .replaceAll(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }
}
