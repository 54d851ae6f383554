// Builds the typed client as a package of its own, without the server's sources, and measures what a browser loads of it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import ts from 'typescript';
import { fail, readOptions } from './command-line';

const usage = `npm run build:client

Builds the typed client into dist/client, a package that \`npm pack\` and \`npm publish\` take. Fails when the client and
what it needs of Hono are more than 6 KB, minified and compressed with gzip.`;

const folder = 'dist/client';
const mostBytes = 6 * 1024;
const source = { client: 'src/client.ts', types: 'src/client-types.ts' };

/** The program of the Worker, from which the client's types come. */
function createProgram(): ts.Program {
  const host = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }: ts.Diagnostic) => fail(messageText),
  };
  const parsed = ts.getParsedCommandLineOfConfigFile('src/tsconfig.json', {}, host);
  if (!parsed) return fail('src/tsconfig.json cannot be read.');
  const options = { ...parsed.options, noEmit: false, incremental: false, declaration: true, outDir: folder };
  delete options.tsBuildInfoFile;
  return ts.createProgram(parsed.fileNames, options);
}

function sourceFile(program: ts.Program, path: string): ts.SourceFile {
  return program.getSourceFile(path) ?? fail(`${path} is not a part of src/tsconfig.json.`);
}

/** The exported types of a file as what they come to, so that they name no other file of the server. */
function writeOutTypes(program: ts.Program, file: ts.SourceFile): string {
  const checker = program.getTypeChecker();
  const { NoTruncation, InTypeAlias, UseSingleQuotesForStringLiteralType } = ts.TypeFormatFlags;
  const flags = NoTruncation | InTypeAlias | UseSingleQuotesForStringLiteralType;
  const types = file.statements.filter(ts.isTypeAliasDeclaration).map(({ name }) => {
    const text = checker.typeToString(checker.getTypeAtLocation(name), file, flags);
    if (text.includes('import("./'))
      fail(`The type ${name.text} of ${file.fileName} names another file of the server.`);
    return `export type ${name.text} = ${text};\n`;
  });
  return types.join('');
}

function writeDeclarations() {
  const program = createProgram();
  const client = sourceFile(program, source.client);
  const problems = ts.formatDiagnostics(program.getSemanticDiagnostics(client), {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getNewLine: () => '\n',
  });
  if (problems) fail(problems);
  // Node.js finds a module by its whole name only.
  const inNode = (text: string) => text.replaceAll("'./client-types'", "'./client-types.js'");
  program.emit(client, (_, text) => writeFileSync(`${folder}/client.d.ts`, inNode(text)), undefined, true);
  writeFileSync(`${folder}/client-types.d.ts`, writeOutTypes(program, sourceFile(program, source.types)));
}

const bundle: BuildOptions = { entryPoints: [source.client], bundle: true, format: 'esm', target: 'es2022' };

async function writeCode() {
  await build({ ...bundle, packages: 'external', outfile: `${folder}/client.js` });
}

async function measure(): Promise<number> {
  const { outputFiles = [] } = await build({ ...bundle, minify: true, write: false });
  return gzipSync(outputFiles[0]?.contents ?? fail('The bundle of the client is empty.')).length;
}

/** The package has the names of the repository's own `package.json`, so that both are imported alike. */
function writePackage() {
  const { name, version, description, type, exports, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const paths = JSON.parse(JSON.stringify(exports).replaceAll(`./${folder}/`, './'));
  const about = { name, version, description, type, exports: paths, dependencies: { hono: `^${dependencies.hono}` } };
  writeFileSync(`${folder}/package.json`, `${JSON.stringify(about, null, 2)}\n`);
}

readOptions(usage, {});
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeDeclarations();
await writeCode();
writePackage();
const bytes = await measure();
console.log(`${folder} has the typed client; it takes ${bytes} bytes in a browser, of at most ${mostBytes}.`);
if (bytes > mostBytes)
  fail('The client is too large. It may import types of the server, and nothing else but hono/client.');
