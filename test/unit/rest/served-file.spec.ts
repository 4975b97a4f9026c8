import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ServedFile } from '../../../src/rest/served-file.js';

describe('a served file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'metricast-test-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const at = (name: string) => [join(directory, name), new ServedFile(pathToFileURL(join(directory, name)))] as const;

  it('is read when it is first asked for, and once', async () => {
    const [path, file] = at('once.yaml');
    writeFileSync(path, 'first');
    expect(await file.read()).toMatchObject({ text: 'first' });

    writeFileSync(path, 'second');
    expect(await file.read()).toMatchObject({ text: 'first' });
  });

  it('is not found where there is none, until there is one', async () => {
    const [path, file] = at('missing.yaml');
    await expect(file.read()).rejects.toMatchObject({ code: 'not_found' });

    writeFileSync(path, 'here');
    expect(await file.read()).toMatchObject({ text: 'here' });
  });

  it('that cannot be read is a failure', async () => {
    await expect(new ServedFile(pathToFileURL(directory)).read()).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
