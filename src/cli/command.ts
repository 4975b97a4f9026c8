import { parseArgs } from 'node:util';

/** A command of the `metricast` program. */
export interface Command {
  /** What `metricast COMMAND --help` prints. */
  readonly help: string;
  /**
   * Runs it with what follows its name. Resolves to the exit status.
   *
   * @throws {@link UsageError}; `EnvironmentError` where a variable is wrong.
   */
  run(args: readonly string[]): Promise<number>;
}

/** The program was called in a way that it does not know. One line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments<Name extends string> {
  readonly options: Readonly<Partial<Record<Name, string>>>;
  readonly operands: readonly string[];
}

/**
 * Reads `--name value`, `--name=value` and operands. No message repeats a value: it may be a secret.
 *
 * @throws {@link UsageError}
 */
export function parseArguments<const Name extends string>(
  args: readonly string[],
  names: readonly Name[],
): Arguments<Name> {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    allowPositionals: true,
    // The messages of the strict mode fill several lines.
    strict: false,
    tokens: true,
  });
  const options: Partial<Record<Name, string>> = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const name = names.find((known) => known === token.name);
    if (name === undefined) throw new UsageError(`unknown option ${token.rawName}`);
    // `--tenant --roles viewer` forgot the tenant; one that begins with a dash can be given as `--tenant=-…`.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('-'))) {
      throw new UsageError(`${token.rawName} needs a value`);
    }
    options[name] = token.value;
  }
  return { options, operands: positionals };
}

/** Whether help is asked for: what follows `--` is not ours to read. */
export function wantsHelp(args: readonly string[]): boolean {
  const { before } = splitAtTerminator(args);
  return before.includes('--help') || before.includes('-h');
}

/** What stands before the first `--`, and what after it; `after` is undefined where there is none. */
export function splitAtTerminator(args: readonly string[]): {
  readonly before: readonly string[];
  readonly after: readonly string[] | undefined;
} {
  const at = args.indexOf('--');
  return at < 0 ? { before: args, after: undefined } : { before: args.slice(0, at), after: args.slice(at + 1) };
}
