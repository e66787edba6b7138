import { type DefinitionContext, type Dialect, type Json, definition } from './definitions.ts'
import type { Descriptions } from './descriptions.ts'

const slice = 40

/** The named definitions and all they refer to, sorted by name. Gives way to other work in between. */
export async function reachableDefinitions(names: Iterable<string>, dialect: Dialect, descriptions: Descriptions): Promise<Json> {
  const found = new Map<string, Json>()
  const waiting = [...new Set(names)]
  const known = new Set(waiting)
  const context: DefinitionContext = {
    dialect, descriptions,
    reach(name) {
      if (known.has(name)) return
      known.add(name)
      waiting.push(name)
    },
  }
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    found.set(name, definition(name, context))
    if (found.size % slice === 0) await new Promise(setImmediate)
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}
