import { readFile } from 'node:fs/promises';
import { MetricastError } from '../protocol/index.js';

/** A text file that is served as it is. Read once, when it is first asked for. */
export class ServedFile {
  #text: string | undefined;

  constructor(private readonly path: URL) {}

  /** @throws {@link MetricastError} `not_found` where there is no such file. */
  async text(): Promise<string> {
    try {
      return (this.#text ??= await readFile(this.path, 'utf8'));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new MetricastError('not_found', { cause });
      throw cause;
    }
  }
}
