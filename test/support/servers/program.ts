import { delimiter } from 'node:path';
import { canInstallPackages } from './debian-package.js';

/** A program that the tests need and do not bring along. */
export interface Program {
  /** Says that it is missing, and what to do about it. */
  readonly missing: string;
  /** Where it is; undefined where it is not there. */
  readonly find: () => Promise<string | undefined>;
  /** Installs it from Debian's packages; undefined where that is not for the tests to do. */
  readonly install: (() => Promise<void>) | undefined;
}

/** Where the program is; installs it where that is possible and it is not there yet. */
export async function findOrInstall({ missing, find, install }: Program): Promise<string> {
  const found = await find();
  if (found) return found;
  if (!install || !canInstallPackages()) throw new Error(missing);

  try {
    await install();
  } catch (error) {
    throw new Error(`${missing} Installing it failed: ${(error as Error).message}`, { cause: error });
  }
  const installed = await find();
  if (!installed) throw new Error(missing);
  return installed;
}

/** The folders of the PATH, in its order. */
export function foldersOfPath(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter(Boolean);
}
