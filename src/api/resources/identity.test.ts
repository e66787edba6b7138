import { expect, test } from 'vitest'
import { builtinResources } from './index.ts'

test('no two definitions answer to one address, and every version is there', () => {
  const addresses = builtinResources.map((d) => `${d.group}/${d.plural}`)
  expect(new Set(addresses).size).toBe(addresses.length)
  for (const definition of builtinResources) {
    if (!definition.storedAs) expect(definition.versions.map((v) => v.name)).toContain(definition.storageVersion)
    expect(definition.columns.length).toBeGreaterThan(0)
  }
})

test('in one scope, a short name means one plural', () => {
  const owners = new Map<string, string>()
  for (const { plural, shortNames = [] } of builtinResources) {
    for (const short of shortNames) expect(owners.get(short) ?? plural, short).toBe(plural), owners.set(short, plural)
  }
})
