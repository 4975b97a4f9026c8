import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';

/** A log of every level, kept to be searched. */
export class CapturedLog implements LoggerService {
  /** All that was said, as text. */
  text = '';
  readonly #say = (...said: unknown[]): void => {
    this.text += `${said.map((one) => inspect(one)).join(' ')}\n`;
  };
  readonly fatal = this.#say;
  readonly error = this.#say;
  readonly warn = this.#say;
  readonly log = this.#say;
  readonly debug = this.#say;
  readonly verbose = this.#say;
}
