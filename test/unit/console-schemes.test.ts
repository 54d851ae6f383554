import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// `checkAccessibility` of the tests in a browser builds on it.
test('the light and the dark console differ in colours alone', () => {
  const files = globSync(['console/index.html', 'console/src/**/*.{css,ts,tsx}']);
  expect(files.length).toBeGreaterThan(100);
  const color = '(?:#[\\da-f]{3,8}|var\\(--[a-z-]+\\))';
  const colors = new RegExp(`light-dark\\(${color}, ${color}\\)`, 'g');
  const others = files.filter((path) =>
    /prefers-color-scheme|light-dark/.test(readFileSync(path, 'utf8').replaceAll(colors, '')),
  );
  expect(others).toEqual([]);
});
