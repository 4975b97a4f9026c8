import { readFile } from 'node:fs/promises';
import { MetricastError } from '../protocol/index.js';
import { entityTagOf } from './entity-tag.js';

/** A text that is served as it is. */
export class ServedText {
  /** What `ETag` says of it. */
  readonly tag: string;

  constructor(readonly text: string) {
    this.tag = entityTagOf(text);
  }

  read(): ServedText {
    return this;
  }
}

/** A text file that is served as it is. Read once, when it is first asked for. */
export class ServedFile {
  #served: ServedText | undefined;

  constructor(private readonly path: URL) {}

  /** @throws {@link MetricastError} `not_found` where there is no such file. */
  async read(): Promise<ServedText> {
    return (this.#served ??= new ServedText(await this.#text()));
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new MetricastError('not_found', { cause });
      throw cause;
    }
  }
}
