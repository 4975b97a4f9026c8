import { describe, expect, test } from 'vitest';
import { SystemReader } from '../../../../src/feeds/system/system-reader.js';
import { FakeMachine } from './fake-machine.js';

function setUp() {
  const machine = new FakeMachine();
  return { machine, reader: new SystemReader(machine) };
}

describe('processor shares', () => {
  test('of the first reading are over the time since the reader was made', async () => {
    const { machine, reader } = setUp();
    machine.pass(1000, { busy: 500, own: 100 });
    const { cpu, process } = await reader.read();
    expect(cpu.percent).toBe(25);
    expect(process.cpu_percent).toBe(5);
  });

  test('are over the time since the reading before', async () => {
    const { machine, reader } = setUp();
    machine.pass(1000, { busy: 2000, own: 2000 });
    await reader.read();
    machine.pass(1000, { busy: 200, own: 100 });
    const { cpu, process } = await reader.read();
    expect(cpu.percent).toBe(10);
    expect(process.cpu_percent).toBe(5);
  });

  test('are unknown where no time has passed', async () => {
    const { reader } = setUp();
    const { cpu, process } = await reader.read();
    expect(cpu.percent).toBeNull();
    expect(process.cpu_percent).toBeNull();
  });
});

describe('sharing', () => {
  test('a reading serves everyone for 200 ms', async () => {
    const { machine, reader } = setUp();
    machine.pass(1000, { busy: 1000 });
    const first = await reader.read();
    machine.pass(199, { busy: 398 });
    expect(await reader.read()).toBe(first);
    expect(machine.readings).toBe(1);
  });

  test('after 200 ms the machine is read again, and the shares cover all of them', async () => {
    const { machine, reader } = setUp();
    machine.pass(1000, { busy: 1000 });
    await reader.read();
    machine.pass(150, { busy: 300 });
    await reader.read();
    machine.pass(50);
    expect((await reader.read()).cpu.percent).toBe(75);
    expect(machine.readings).toBe(2);
  });

  test('those who ask while a reading is under way wait for it, however long it takes', async () => {
    const { machine, reader } = setUp();
    let open = (): void => {};
    machine.gate = new Promise((resolve) => (open = resolve));
    machine.pass(1000, { busy: 1000 });
    const first = reader.read();
    machine.pass(60_000);
    const second = reader.read();
    open();
    expect(await second).toBe(await first);
    expect(machine.readings).toBe(1);
  });

  test('a failed reading is tried again, and the shares still cover the time before it', async () => {
    const { machine, reader } = setUp();
    machine.pass(1000, { busy: 2000 });
    machine.gate = Promise.reject(new Error('no figures'));
    await expect(reader.read()).rejects.toThrow('no figures');
    machine.gate = Promise.resolve();
    machine.pass(1000);
    expect((await reader.read()).cpu.percent).toBe(50);
  });
});
