import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { KubeObject } from '../object.ts'
import type { ResourceDefinition } from '../resource.ts'
import { builtinResources } from './index.ts'

const page = readFileSync(new URL('../../../docs/support.md', import.meta.url), 'utf8')
const groupOf = ({ group }: ResourceDefinition) => group || 'core'

function rowOf(definition: ResourceDefinition): string {
  const text = definition.storedOnly?.({ spec: {} } as KubeObject)
  const what = text ? `stored only: ${text.split(': ')[1]}` : definition.verbs?.join() === 'create' ? 'answered, never stored' : 'acts'
  return `| ${groupOf(definition)} | ${definition.kind} | ${what} |`
}

test('docs/support.md has the row of every kind, and says what its warning says', () => {
  const missing = builtinResources.map(rowOf).filter((row) => !page.includes(row))
  expect(missing).toEqual([])
})

test('docs/support.md names no kind that is not served', () => {
  const rows = page.split('\n').filter((line) => /^\| [a-z]/.test(line) && !line.startsWith('| group |')).map((line) => line.split(' | ').slice(0, 2).join(' | '))
  const served = new Set(builtinResources.map((d) => `| ${groupOf(d)} | ${d.kind}`))
  expect(rows.filter((row) => !served.has(row))).toEqual([])
})
