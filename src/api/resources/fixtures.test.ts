// What a kube-apiserver v1.36 answered to these objects: `defaulted.jsonl` holds what it made of them, `refused.jsonl` why it refused them,
// `warned.jsonl` what it said of them nevertheless.
// Left out is what others add: metadata of the server, admission, allocated addresses, examples at the end of messages.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type KubeObject, parseApiVersion } from '../object.ts'
import type { HookContext, ResourceDefinition } from '../resource.ts'
import { builtinResources } from './index.ts'

const context = { now: '2026-01-01T00:00:00Z', user: { name: 'jane', groups: ['system:authenticated'] } }

function readLines<T>(name: string): T[] {
  const text = readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as T)
}

function definitionOf(object: KubeObject): { definition: ResourceDefinition; version: ResourceDefinition['versions'][number] } {
  const { group, version: name } = parseApiVersion(object.apiVersion!)
  for (const definition of builtinResources) {
    const version = definition.versions.find((v) => v.name === name)
    if (definition.group === group && definition.kind === object.kind && version) return { definition, version }
  }
  throw new Error(`no definition of ${object.apiVersion} ${object.kind}`)
}

/** As the server does it, in the shape that hooks work on. */
function prepared(given: KubeObject, warn: HookContext['warn'] = () => {}): KubeObject {
  const { definition, version } = definitionOf(given)
  const draft = version.toStorage?.(structuredClone(given)) ?? structuredClone(given)
  draft.metadata = { ...draft.metadata, uid: 'UID' }
  definition.defaults?.(draft)
  definition.prepareForCreate?.(draft, { ...context, warn })
  return draft
}

const label = (object: KubeObject, index: number) => `${index} ${object.kind} ${object.metadata?.name}`

test.each(readLines<{ given: KubeObject; answer: KubeObject }>('defaulted.jsonl').map((line, index) => [label(line.given, index), line] as const))('defaults of %s', (_label, line) => {
  const draft = prepared(line.given)
  const { uid: _uid, generation: _generation, ...metadata } = draft.metadata!
  const conditions = (draft as { status?: { conditions?: { lastTransitionTime?: string }[] } }).status?.conditions
  for (const condition of conditions ?? []) delete condition.lastTransitionTime
  expect(JSON.parse(JSON.stringify({ ...draft, metadata }))).toEqual(line.answer)
})

const shortened = (message: string) => message.replace(/ \((e\.g\.|regex) .*$/, ' …')

test.each(readLines<{ given: KubeObject; messages: string[] }>('refused.jsonl').map((line, index) => [label(line.given, index), line] as const))('refusal of %s', (_label, line) => {
  const { definition } = definitionOf(line.given)
  const draft = prepared(line.given)
  const errors = [...(definition.validate?.(draft) ?? []), ...(definition.validateCreate?.(draft) ?? [])]
  expect(errors.map((e) => shortened(`${e.field}: ${e.message}`))).toEqual(expect.arrayContaining(line.messages))
})

test.each(readLines<{ object: KubeObject; warnings: string[] }>('warned.jsonl').map((line, index) => [label(line.object, index), line] as const))('warnings of %s', (_label, line) => {
  const warnings: string[] = []
  const draft = prepared(line.object, (text) => warnings.push(text))
  expect([...warnings, ...(definitionOf(line.object).definition.warnings?.(draft) ?? [])]).toEqual(line.warnings)
})

test('what has been accepted is not found invalid', () => {
  const accepted = readLines<{ given: KubeObject }>('defaulted.jsonl').map(({ given }) => prepared(given))
  const allocated = accepted.filter((object) => object.kind !== 'Pod' || object.metadata?.name !== 'p1')
  const refused = allocated.flatMap((object) => (definitionOf(object).definition.validate?.(object) ?? []).map((e) => `${object.kind} ${object.metadata?.name} ${e.field}: ${e.message}`))
  expect(refused).toEqual([])
})
