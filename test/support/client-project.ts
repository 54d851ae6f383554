import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The strictest settings of a program in a browser: no types but those of the DOM, and the client's are checked too. */
const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmitOnError: true,
  target: 'es2022',
  lib: ['es2022', 'dom'],
  types: [],
  module: 'nodenext',
  outDir: 'built',
};

/** A project outside of the repository, which has the packed client installed without a network. */
export async function createClientProject() {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-client-'));
  const pack = async (path: string) => {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, resolve(path)]);
    const [{ filename }]: [{ filename: string }] = JSON.parse(stdout);
    return `./${filename}`;
  };
  await run(process.execPath, ['--import', 'tsx', 'scripts/build-client.ts']);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  const tarballs = [await pack('dist/client'), await pack('node_modules/hono')];
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: folder });

  return {
    /** Compiles a program; the errors are those of the compiler, none if it compiles. */
    async compile(program: string): Promise<string> {
      writeFileSync(join(folder, 'program.ts'), program);
      const compiler = resolve('node_modules/typescript7/bin/tsc');
      return run(process.execPath, [compiler, '-p', folder], { cwd: folder }).then(
        ({ stdout }) => stdout,
        ({ stdout }: { stdout: string }) => stdout || 'The compiler failed without a message.',
      );
    },
    /** Runs the program that was compiled last, and returns what it printed. */
    async run(...args: string[]): Promise<string> {
      return (await run(process.execPath, [join(folder, 'built/program.js'), ...args], { cwd: folder })).stdout;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
