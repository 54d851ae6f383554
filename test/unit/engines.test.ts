import { readFileSync } from 'node:fs';
import { satisfies, subset } from 'semver';
import { describe, expect, test } from 'vitest';

interface LockedPackage {
  version?: string;
  engines?: { node?: string };
  hasInstallScript?: boolean;
  cpu?: string[];
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const { allowScripts, devDependencies, engines } = readJson('package.json');
const locked: [string, LockedPackage][] = Object.entries(readJson('package-lock.json').packages);
const packages = locked.filter(([path]) => path !== '');
const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? path;

describe('the Node.js that README asks for', () => {
  test('README, the documentation and package.json promise the same version', () => {
    const promised = /^>=(\d+)$/.exec(engines.node)?.[1];
    for (const page of ['README.md', 'docs/operations.md'])
      expect(readFileSync(page, 'utf8'), page).toContain(`Node ${promised} or newer`);
  });

  // npm runs the scripts of a project with its `node_modules/.bin` first, where the package `node` has its program. So what
  // npm says about the Node.js of the shell does not concern these packages, and .npmrc keeps it from saying so.
  test('every package runs on the Node.js that is installed with them', () => {
    expect(packages.length).toBeGreaterThan(100);
    const version: string = devDependencies.node;
    expect(packages.find(([path]) => path === 'node_modules/node')?.[1].version).toBe(version);
    // Node.js is not made for 32-bit processors any more.
    const possible = packages.filter(([, { cpu }]) => !cpu?.includes('ia32'));
    const tooNew = possible.filter(([, { engines }]) => engines?.node && !satisfies(version, engines.node));
    expect(tooNew.map(([path, { engines }]) => `${path} needs Node ${engines?.node}`)).toEqual([]);
  });

  test('what runs before that Node.js is installed runs on every promised one', () => {
    const allowed = packages.filter(([path, { hasInstallScript }]) => hasInstallScript && allowScripts[nameOf(path)]);
    expect(allowed.length).toBeGreaterThan(2);
    const tooNew = allowed.filter(([, own]) => !subset(engines.node, own.engines?.node ?? '*'));
    expect(tooNew.map(([path, own]) => `${path} needs Node ${own.engines?.node}`)).toEqual([]);
  });

  test('package.json says of each package with an install script whether the script may run', () => {
    const withScript = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
    expect([...new Set(withScript)].filter((name) => allowScripts[name] === undefined)).toEqual([]);
  });
});
