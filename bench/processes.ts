import { readdirSync, readFileSync } from 'node:fs';

/** How many of the kernel's ticks are in a second (USER_HZ, which is 100 on every Linux). */
const ticksPerSecond = 100;

/** The processes with this name that a process has started. */
export function childrenOf(pid: number, name: string): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
    .filter((child) => readFileSync(`/proc/${child}/comm`, 'utf8').startsWith(name));
}

/** The CPU time that a process has used so far, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  // The name of the process, in brackets, may have spaces. After it, utime and stime are the 12th and the 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / ticksPerSecond;
}
