// A folder of src/ imports only folders of a smaller row; folders on one row do not import each other. The rows are those of the design.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const rows = [
  ['base'],
  ['config', 'api', 'storage', 'pki', 'streaming', 'netfilter'],
  ['storage-sqlite', 'storage-etcd', 'client', 'cni'],
  ['runtime', 'controller', 'backup'],
  ['server', 'controllers', 'scheduler', 'agent', 'proxy', 'dns'],
  ['distro'],
  ['cli'],
  ['main.ts'],
]
const rowOf = new Map(rows.flatMap((folders, row) => folders.map((folder) => [folder, row])))
const source = join(dirname(fileURLToPath(import.meta.url)), '../src')
const folderOf = (path) => relative(source, path).split('/')[0]
let wrong = 0
for (const entry of readdirSync(source, { recursive: true })) {
  if (!entry.endsWith('.ts') || entry.endsWith('.test.ts')) continue
  const file = join(source, entry)
  const own = folderOf(file)
  if (!rowOf.has(own)) complain(`${entry}: src/${own} is not in the table of layers`)
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const other = folderOf(resolve(dirname(file), target))
    if (other !== own && !(rowOf.get(other) < rowOf.get(own))) complain(`${entry} imports ${target}: ${own} (row ${rowOf.get(own)}) may not import ${other} (row ${rowOf.get(other)})`)
  }
}
function complain(text) {
  console.error(text)
  wrong++
}
if (wrong) process.exit(1)
