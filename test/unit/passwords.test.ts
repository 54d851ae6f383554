import { describe, expect, test } from 'vitest';
import { createPasswords } from '../../src/access/passwords';
import type { RequestTime } from '../../src/platform/turns';
import { createTurns, type Turns } from '../../src/platform/turns';
import { cheapParameters, password, passwordHash } from '../support/factories';

/** A time that moves only when the test says so. */
function createTime() {
  let now = 0;
  let sleepers: { until: number; wake: () => void }[] = [];
  const settle = async () => {
    for (let count = 0; count < 20; count++) await Promise.resolve();
  };
  const time: RequestTime = {
    clock: { now: () => now },
    wait: (ms) => new Promise<void>((wake) => void sleepers.push({ until: now + ms, wake })),
  };
  /** Lets time pass, one millisecond after the other. */
  async function pass(ms: number) {
    await settle();
    for (const end = now + ms; now < end; ) {
      now++;
      const due = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
      await settle();
    }
  }
  /** The time of a request that is cancelled: its timers never fire, and its code never runs again. */
  const cancelled: RequestTime = { ...time, wait: () => new Promise(() => {}) };
  return { cancelled, pass, time };
}

/** A piece of work that lasts until the test ends it. */
function createWork() {
  const steps: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () => {
    steps.push(`${name} begins`);
    return new Promise<string>((resolve) => {
      ends.set(name, () => {
        steps.push(`${name} ends`);
        resolve(name);
      });
    });
  };
  return { steps, work, end: (name: string) => ends.get(name)?.() };
}

describe('the turns of an isolate (product 2.7)', () => {
  test('one piece of work runs at a time, in the order of the requests', async () => {
    const { pass, time } = createTime();
    const { end, steps, work } = createWork();
    const turns = createTurns(() => 8);
    const done = ['first', 'second', 'third'].map((name) => turns.run(time, work(name)));
    for (const name of ['first', 'second', 'third']) {
      await pass(500);
      end(name);
    }
    expect(await Promise.all(done)).toEqual([{ result: 'first' }, { result: 'second' }, { result: 'third' }]);
    expect(steps).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('the isolate is free for other requests before each piece of work, also while others wait', async () => {
    const { pass, time } = createTime();
    const steps: string[] = [];
    const turns = createTurns(() => 8);
    const paused: RequestTime = {
      ...time,
      wait: (ms) => {
        steps.push(`wait ${ms}`);
        return time.wait(ms);
      },
    };
    void turns.run(paused, async () => void steps.push('first'));
    void turns.run(time, async () => void steps.push('second'));
    await pass(49);
    expect(steps).toEqual(['wait 50']);
    await pass(1);
    expect(steps).toEqual(['wait 50', 'first']);
    // The second request looks for its turn at 60 ms, and then pauses.
    await pass(59);
    expect(steps).toEqual(['wait 50', 'first']);
    await pass(1);
    expect(steps).toEqual(['wait 50', 'first', 'second']);
  });

  test('only so many requests may wait; one more gets nothing, at once, until a place is free', async () => {
    const { pass, time } = createTime();
    const { end, work } = createWork();
    const turns = createTurns(() => 2);
    void turns.run(time, work('first'));
    void turns.run(time, work('second'));
    const third = turns.run(time, work('third'));
    expect(await turns.run(time, work('fourth'))).toBeUndefined();
    expect(turns.waiting(time.clock.now())).toBe(2);
    await pass(100);
    end('first');
    await pass(100);
    void turns.run(time, work('fifth'));
    end('second');
    await pass(100);
    end('third');
    expect(await third).toEqual({ result: 'third' });
  });

  test('work that fails gives its turn back, and a request whose wait fails does, too', async () => {
    const { pass, time } = createTime();
    const turns = createTurns(() => 8);
    const failing = turns.run(time, () => Promise.reject(new Error('The work failed.')));
    const failed = expect(failing).rejects.toThrow('The work failed.');
    await pass(50);
    await failed;
    const broken: RequestTime = { ...time, wait: () => Promise.reject(new Error('The wait failed.')) };
    await expect(turns.run(broken, async () => 'done')).rejects.toThrow('The wait failed.');
    const next = turns.run(time, async () => 'done');
    await pass(50);
    expect(await next).toEqual({ result: 'done' });
  });

  test('a cancelled request counts as waiting for a second and not longer', async () => {
    const { cancelled, pass, time } = createTime();
    const { work } = createWork();
    const turns = createTurns(() => 2);
    void turns.run(time, work('first'));
    void turns.run(cancelled, work('cancelled'));
    await pass(100);
    expect(turns.waiting(time.clock.now())).toBe(1);
    await pass(1000);
    expect(turns.waiting(time.clock.now())).toBe(0);
  });

  test('a cancelled request that waits keeps its place for a second and not longer', async () => {
    const { cancelled, pass, time } = createTime();
    const { end, steps, work } = createWork();
    const turns = createTurns(() => 2);
    void turns.run(time, work('first'));
    void turns.run(cancelled, work('cancelled'));
    void turns.run(time, work('second'));
    await pass(100);
    end('first');
    await pass(880);
    expect(steps).toEqual(['first begins', 'first ends']);
    expect(turns.waiting(time.clock.now())).toBe(2);
    await pass(100);
    expect(turns.waiting(time.clock.now())).toBe(0);
    expect(steps).toEqual(['first begins', 'first ends', 'second begins']);
    void turns.run(time, work('third'));
    void turns.run(time, work('fourth'));
    end('second');
    await pass(100);
    expect(steps.at(-1)).toBe('third begins');
  });

  test('a cancelled request loses its turn after a second, in its work after ten, and cannot end the turn of another one', async () => {
    const { cancelled, pass, time } = createTime();
    const { end, steps, work } = createWork();
    const turns = createTurns(() => 8);
    void turns.run(cancelled, work('cancelled'));
    void turns.run(time, work('second'));
    await pass(990);
    expect(steps).toEqual([]);
    await pass(100);
    expect(steps).toEqual(['second begins']);
    void turns.run(time, work('third'));
    await pass(9_900);
    expect(steps).toEqual(['second begins']);
    await pass(200);
    expect(steps).toEqual(['second begins', 'third begins']);
    // The second one was only slow.
    end('second');
    void turns.run(time, work('fourth'));
    await pass(100);
    expect(steps).toEqual(['second begins', 'third begins', 'second ends']);
  });

  test('a request whose timers were late keeps waiting, at the end of the line', async () => {
    const { pass, time } = createTime();
    const { end, steps, work } = createWork();
    const turns = createTurns(() => 8);
    const late: RequestTime = { ...time, wait: (ms) => time.wait(ms + 3_000) };
    void turns.run(time, work('first'));
    void turns.run(late, work('late'));
    void turns.run(time, work('second'));
    await pass(100);
    end('first');
    await pass(2_000);
    end('second');
    await pass(5_000);
    expect(steps.filter((step) => step.endsWith('begins'))).toEqual(['first begins', 'second begins', 'late begins']);
  });
});

describe('the passwords of a request', () => {
  /** Turns that count, and always have a free one. */
  function countTurns() {
    const counter = { count: 0 };
    const turns: Turns = {
      async run(_, work) {
        counter.count++;
        return { result: await work() };
      },
      waiting: () => 0,
    };
    return { counter, turns };
  }

  function given(turns: Turns) {
    let refusals = 0;
    const { passwords, permitHashing } = createPasswords(
      { turns, parameters: cheapParameters },
      createTime().time,
      () => refusals++,
    );
    return { passwords, permitHashing, refusals: () => refusals };
  }

  test('a request that asked no limit cannot hash a password (product 2.7)', async () => {
    const { counter, turns } = countTurns();
    const { passwords, permitHashing } = given(turns);
    await expect(passwords.hash(password)).rejects.toThrow('before the request asked a limit');
    await expect(passwords.verify(password, passwordHash)).rejects.toThrow('before the request asked a limit');
    expect(counter.count).toBe(0);
    permitHashing();
    await expect(given(turns).passwords.hash(password)).rejects.toThrow('before the request asked a limit');
  });

  test('a request hashes a password once, however often its command runs (product 2.7)', async () => {
    const { counter, turns } = countTurns();
    const { passwords, permitHashing } = given(turns);
    permitHashing();
    const hashes = [await passwords.hash(password), await passwords.hash(password)];
    expect(hashes[1]).toBe(hashes[0]);
    expect(counter.count).toBe(1);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await passwords.verify(password, passwordHash)).toEqual({ ok: true, needsRehash: false });
    }
    expect(counter.count).toBe(2);
    expect(await passwords.hash('another password')).not.toBe(hashes[0]);
    expect((await passwords.verify('another password', passwordHash)).ok).toBe(false);
    expect((await passwords.verify(password, passwordHash.replace(/.{4}$/, 'AAAA'))).ok).toBe(false);
    expect(counter.count).toBe(5);
    const other = given(turns);
    other.permitHashing();
    expect(await other.passwords.hash(password)).not.toBe(hashes[0]);
  });

  test('a wrong password and an unknown address take one turn each (product 2.2)', async () => {
    for (const storedHash of [passwordHash, undefined]) {
      const { counter, turns } = countTurns();
      const { passwords, permitHashing } = given(turns);
      permitHashing();
      const verified = await passwords.verify('not the password', storedHash);
      expect([verified, counter.count]).toEqual([{ ok: false, needsRehash: false }, 1]);
    }
  });

  test('a request that finds too many others waiting is refused for now (product 2.7)', async () => {
    const { passwords, permitHashing, refusals } = given({ run: async () => undefined, waiting: () => 8 });
    permitHashing();
    const refusal = { kind: 'unavailable', code: 'auth.hashing-busy', details: { retryAfterSeconds: 2 } };
    await expect(passwords.hash(password)).rejects.toMatchObject(refusal);
    await expect(passwords.verify(password, passwordHash)).rejects.toMatchObject(refusal);
    expect(refusals()).toBe(2);
  });
});
