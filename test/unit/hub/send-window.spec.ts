import { beforeEach, describe, expect, test } from 'vitest';
import { SendWindow } from '../../../src/hub/send-window.js';
import type { Millis } from '../../../src/protocol/index.js';

const KIB = 1024;
/** A ping that is answered so much later than others were says that its reader is behind. */
const LATE: Millis = 1000;
/** How long the way to the reader and back takes. */
const WAY: Millis = 10;

let window: SendWindow;
let now: Millis;
beforeEach(() => {
  window = new SendWindow();
  now = 12_345;
});

/** Writes, and pings where that is due. Returns the number of the ping, or 0. */
function write(bytes: number): number {
  window.wrote(bytes);
  return window.isPingDue(now) ? window.ping(now) : 0;
}

/** Lets time pass, in which there is something to write now and then. Returns whether the window is closed at its end. */
function pass(millis: Millis): boolean {
  for (const end = now + millis; now < end; now = Math.min(end, now + 50)) window.isClosed(now);
  return window.isClosed(now);
}

/** Lets time pass, and then the answer to the ping come. */
function answer(ping: number, after: Millis): void {
  pass(after);
  window.answered(ping, now);
}

/** Writes what a reader is greeted with, which it answers at once. */
function greet(): void {
  answer(write(200), WAY);
}

/** A reader that is known to have taken so long for so many bytes. */
function slowReader({ bytes, delay }: { bytes: number; delay: Millis }): void {
  greet();
  window.wrote(bytes);
  answer(window.ping(now), delay);
}

describe('a reader that never answers', () => {
  test('is never held back, and asked once', () => {
    let pings = 0;
    for (let time = 0; time < 10_000; time++, now += 100) {
      if (write(10 * KIB)) pings++;
      expect(window.isClosed(now)).toBe(false);
      expect(window.room).toBe(Infinity);
    }
    expect(pings).toBe(1);
  });

  test('is not held back where it is asked for signs of life besides', () => {
    for (let beat = 0; beat < 50; beat++) {
      window.ping(now);
      write(1000 * KIB);
      expect(pass(10 * LATE)).toBe(false);
    }
  });
});

describe('a reader that answers at once', () => {
  test.each([0, 1, 50, 100])('is never held back however much is written: within %i ms', (delay) => {
    for (let time = 0; time < 2000; time++) {
      const ping = write(5 * KIB);
      expect(window.isClosed(now)).toBe(false);
      if (ping) answer(ping, delay);
      expect(window.isClosed(now)).toBe(false);
    }
  });

  test('is never held back however much is on its way', () => {
    greet();
    const onItsWay: { ping: number; at: Millis }[] = [];
    for (let time = 0; time < 2000; time++, now++) {
      while (onItsWay[0] && onItsWay[0].at <= now) window.answered(onItsWay.shift()!.ping, now);
      const ping = write(10 * KIB);
      if (ping) onItsWay.push({ ping, at: now + 80 });
      expect(window.isClosed(now)).toBe(false);
    }
  });

  test('is never held back where the way to it and back is long, as long as it stays so', () => {
    answer(write(200), 1500);
    const onItsWay: { ping: number; at: Millis }[] = [];
    for (let time = 0; time < 500; time++) {
      const ping = write(5 * KIB);
      if (ping) onItsWay.push({ ping, at: now + 1500 });
      expect(pass(100)).toBe(false);
      while (onItsWay[0] && onItsWay[0].at <= now) window.answered(onItsWay.shift()!.ping, now);
      expect(window.room).toBe(Infinity);
    }
  });

  test('is asked once in five seconds, however much is written', () => {
    let pings = 0;
    for (let time = 0; time < 20_000; time++, now++) {
      const ping = write(100 * KIB);
      if (!ping) continue;
      pings++;
      answer(ping, 0);
    }
    expect(pings).toBeGreaterThanOrEqual(4);
    expect(pings).toBeLessThanOrEqual(5);
  });

  test('is asked about once in 64 KiB where these take longer', () => {
    const written = 20_000;
    let pings = 0;
    for (let time = 0; time < written; time++, now += 100) {
      const ping = write(KIB);
      if (!ping) continue;
      pings++;
      answer(ping, 1);
    }
    expect(pings).toBeGreaterThan(written / 64 / 1.1);
    expect(pings).toBeLessThan((written / 64) * 1.1);
  });
});

describe('credit', () => {
  /** A reader that has shown that it reads a lot, and is asked seldom. */
  function quickReader(): void {
    answer(write(64 * KIB), WAY);
  }

  test('lasts until the next ping may be due, whatever is written meanwhile', () => {
    quickReader();
    const end = window.creditEnd(now);
    for (; now < end; now += 100) {
      const credit = window.credit(now);
      expect(credit).toBeGreaterThan(0);
      expect(write(credit)).toBe(0);
      expect(window.isClosed(now)).toBe(false);
    }
    expect(window.credit(now)).toBe(0);
    expect(write(1)).toBeGreaterThan(0);
  });

  test('ends in time for the next ping, also where nothing more is written', () => {
    quickReader();
    window.wrote(70 * KIB);
    now += 500;
    now = window.creditEnd(now);
    expect(window.isPingDue(now)).toBe(true);
  });

  test('is used up when the next ping is due, however slowly that is', () => {
    quickReader();
    now += 60_000;
    const credit = window.credit(now);
    expect(write(credit)).toBe(0);
    now = window.creditEnd(now);
    expect(window.credit(now)).toBe(0);
    expect(write(1)).toBeGreaterThan(0);
  });

  test('is given to one that never answered, once it was asked', () => {
    expect(window.credit(now)).toBe(0);
    expect(write(KIB)).toBeGreaterThan(0);
    expect(window.credit(now)).toBeGreaterThan(0);
  });

  test('is not given while an answer is waited for', () => {
    quickReader();
    window.ping(now);
    expect(window.credit(now)).toBe(0);
  });

  test('is not given to one that is held back', () => {
    slowReader({ bytes: 20_000, delay: 10_000 });
    expect(window.credit(now)).toBe(0);
  });
});

describe('a reader that is asked for a sign of life when nothing was sent', () => {
  test('is not taken for a slow one: it is not asked more often than before', () => {
    answer(write(64 * KIB), WAY);
    now += 30_000;
    answer(window.ping(now), 50);
    expect(write(64 * KIB - 1)).toBe(0);
  });
});

describe('a reader that is late', () => {
  test('is given no more at once than it reads in a second', () => {
    slowReader({ bytes: 50_000, delay: 10_000 });
    expect(window.isClosed(now)).toBe(false);
    expect(window.room).toBe(5000);
    write(4999);
    expect(window.room).toBe(1);
    expect(window.isClosed(now)).toBe(false);
    write(1);
    expect(window.isClosed(now)).toBe(true);
    write(20_000);
    expect(window.room).toBe(-20_000);
  });

  test('is given a KiB at least', () => {
    slowReader({ bytes: 20_000, delay: 60_000 });
    expect(window.room).toBe(KIB);
  });

  test('is given everything as long as it has little unread, however late it is', () => {
    greet();
    window.wrote(8 * KIB);
    window.ping(now);
    expect(pass(100 * LATE)).toBe(false);
    window.wrote(1);
    expect(pass(100)).toBe(true);
  });

  test('that has ceased to answer is not held back for ever', () => {
    greet();
    write(100 * KIB);
    pass(10 * LATE);
    expect(pass(100)).toBe(true);
    expect(pass(120_000)).toBe(false);
    expect(window.room).toBe(Infinity);
  });

  test('is given nothing while an answer is overdue, which it is a second after it might have come', () => {
    greet();
    const ping = write(100 * KIB);
    expect(ping).toBeGreaterThan(0);
    expect(pass(WAY + LATE)).toBe(false);
    // Seen more than once.
    expect(pass(100)).toBe(true);
    answer(ping, LATE);
    expect(window.isClosed(now)).toBe(false);
  });

  test('is given what it reads in a second, counted from when it began to read that', () => {
    greet();
    window.wrote(10_000);
    const one = window.ping(now);
    window.wrote(40_000);
    const other = window.ping(now);
    answer(one, 10_000);
    answer(other, 10_000);
    expect(window.room).toBe(4000);
  });

  test('is asked as soon as it has been given all that it may have', () => {
    slowReader({ bytes: 50_000, delay: 10_000 });
    expect(write(4999)).toBe(0);
    expect(write(1)).toBeGreaterThan(0);
  });

  test('is asked about what was written meanwhile as well', () => {
    greet();
    const pings = [write(10_000)];
    for (let time = 0; time < 20; time++, now += 250) pings.push(write(10_000));
    answer(pings.shift()!, 10_000);
    expect(window.isClosed(now)).toBe(true);
    expect(pings.filter((ping) => ping > 0).length).toBeGreaterThan(5);
    for (const ping of pings.filter((number) => number > 0)) answer(ping, 10_000);
    if (window.isPingDue(now)) answer(window.ping(now), 10_000);
    expect(window.isClosed(now)).toBe(false);
  });

  test('is asked more often while it has not answered, so that it is heard of as it reads', () => {
    for (let time = 0; time < 10; time++, now += 5000) answer(write(64 * KIB), 1);
    expect(write(63 * KIB)).toBe(0);
    expect(write(KIB)).toBeGreaterThan(0);
    const pings: number[] = [];
    for (let time = 0; time < 160; time++) {
      now += 20;
      pings.push(write(KIB));
    }
    expect(pings.filter((ping) => ping > 0)).toHaveLength(10);
  });

  test('is given more with every answer that comes in time, and is free in the end', () => {
    slowReader({ bytes: 20_000, delay: 10_000 });
    const rooms = [window.room];
    for (let time = 0; time < 8; time++) {
      const ping = write(window.room);
      expect(window.isClosed(now)).toBe(true);
      answer(ping, LATE);
      expect(window.isClosed(now)).toBe(false);
      rooms.push(window.room);
    }
    expect(rooms).toEqual([2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, Infinity]);
  });

  test('is not held back for ever where it ceases to answer, and yet is there', () => {
    slowReader({ bytes: 20_000, delay: 10_000 });
    write(window.room);
    expect(pass(119_000)).toBe(true);
    expect(pass(2000)).toBe(false);
    expect(window.room).toBe(Infinity);
  });

  test('is never stuck, however many pings wait at once', () => {
    greet();
    const waiting: number[] = [];
    for (let time = 0; time < 90; time++) {
      const ping = write(16 * KIB);
      if (ping) waiting.push(ping);
      pass(250);
    }
    expect(waiting.length).toBeGreaterThan(40);
    // It is late by the first that it did not answer, however many came after.
    expect(window.isClosed(now)).toBe(true);
    pass(5000);
    for (const ping of waiting) {
      answer(ping, 100);
      if (window.isPingDue(now)) waiting.push(window.ping(now));
    }
    expect(window.isClosed(now)).toBe(false);
  });
});

describe('a stall of ours', () => {
  test.each([
    ['with something on its way', 100 * KIB],
    ['with nothing on its way', 0],
  ])('says nothing of a reader, %s', (_what, bytes) => {
    greet();
    window.wrote(bytes);
    const ping = window.ping(now);
    now += 10 * LATE;
    // What is written first after it comes before what is heard.
    expect(window.isClosed(now)).toBe(false);
    window.answered(ping, now + 1);
    expect(window.isClosed(now + 1)).toBe(false);
    expect(window.room).toBe(Infinity);
  });
});

describe('the answer', () => {
  test('that came late, and then did, does not make the next one late', () => {
    const ping = overdue();
    window.answered(ping, now);
    const next = window.ping(now);
    now += 2 * LATE;
    expect(window.isClosed(now)).toBe(false);
    window.answered(next, now);
    expect(window.isClosed(now)).toBe(false);
  });

  /** A reader that has answered before, and a ping that it should have answered by now. */
  function overdue(): number {
    greet();
    const ping = write(100 * KIB);
    expect(pass(2 * LATE)).toBe(true);
    return ping;
  }

  test('to a later ping is one to those before it', () => {
    overdue();
    const later = window.ping(now);
    answer(later, 1);
    expect(window.isClosed(now)).toBe(false);
  });

  test('to an earlier ping is none to those after it', () => {
    const ping = overdue();
    window.answered(ping - 1, now);
    expect(window.isClosed(now)).toBe(true);
    window.answered(ping, now);
    expect(window.isClosed(now)).toBe(false);
  });

  test('to no ping at all changes nothing', () => {
    const ping = overdue();
    window.answered(0, now);
    expect(window.isClosed(now)).toBe(true);
    window.answered(ping, now);
    expect(window.isClosed(now)).toBe(false);
  });

  test('that comes again changes nothing', () => {
    slowReader({ bytes: 50_000, delay: 10_000 });
    const { room } = window;
    answer(1, 10_000);
    answer(2, 10_000);
    expect(window.room).toBe(room);
  });

  test('to what was asked for as a sign of life tells as much', () => {
    const [, first, second] = [overdue(), window.ping(now), window.ping(now)];
    expect(second).toBe(first + 1);
    answer(first, 1);
    expect(window.isClosed(now)).toBe(false);
    answer(second, 1);
    now += 5000;
    const next = write(100 * KIB);
    expect(next).toBe(second + 1);
    // Those that came before say nothing of it.
    window.answered(second, now);
    expect(pass(2 * LATE)).toBe(true);
  });
});
