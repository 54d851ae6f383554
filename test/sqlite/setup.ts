import crypto, { type ScryptOptions } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { scheduler } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import { checkDocuments } from '../support/document-watch';

// Nearly all of the time of these tests would go into hashes of passwords. They are as strong as their parameters say
// only in the other projects.
const { scrypt } = crypto;
type Done = (error: Error | null, key: Buffer) => void;

function cheapScrypt(password: string, salt: Buffer, length: number, options: ScryptOptions, done: Done): void {
  scrypt(password, salt, length, { ...options, N: 2, r: 1, p: 1 }, done);
}

Object.assign(crypto, { scrypt: cheapScrypt });
syncBuiltinESMExports();

// A global of workerd.
Object.assign(globalThis, { scheduler });

/** Tests of what only workerd has: its bindings, its count of rows, its migrations, and its limits. */
const onlyInWorkerd = [
  'made with other parameters',
  'bounded number of rows',
  'the relay reads only what it takes',
  'a claim reads only the deliveries',
  'the migration registers the shapes',
  'the send_email binding of the runtime',
  'the dataset of the runtime',
  'of the runtime lets exactly its quota pass',
  'may be kept by caches and asked for again',
  'is a file of this origin',
];

beforeEach(({ task, skip }) => {
  skip(onlyInWorkerd.some((text) => task.name.includes(text)));
});

afterEach(checkDocuments);
