// What must change in the kernel when the rules of services change: a pure function from (applied, wanted) to table changes.
import type { Rule, TableChange } from '../netfilter/restore.ts'
import { dispatchChains } from './base-rules.ts'
import type { ServiceRules } from './service-rules.ts'


const none: ServiceRules = { services: [], nodePorts: [], rejected: [], chains: new Map(), udp: [] }
const kinds = ['services', 'nodePorts', 'rejected'] as const

/** `pairs`: of each service that changed, the rules in force and the rules wanted; undefined for none. */
export function differenceOf(pairs: readonly { before: ServiceRules | undefined; after: ServiceRules | undefined }[]): TableChange[] {
  const nat = mutableChange('nat')
  const filter = mutableChange('filter')
  for (const { before = none, after = none } of pairs) {
    for (const [name, rules] of after.chains) if (!sameRules(before.chains.get(name), rules)) nat.chains.set(name, rules)
    for (const name of before.chains.keys()) if (!after.chains.has(name)) nat.removed.push(name)
    for (const kind of kinds) {
      const [table, chain] = dispatchChains[kind]
      const change = table === 'nat' ? nat : filter
      for (const rule of before[kind]) if (!after[kind].includes(rule)) change.deleted.push({ chain, rule })
      for (const rule of after[kind]) if (!before[kind].includes(rule)) change.appended.push({ chain, rule })
    }
  }
  return [nat, filter]
}

interface MutableChange extends TableChange {
  chains: Map<string, readonly Rule[]>
  deleted: { chain: string; rule: Rule }[]
  appended: { chain: string; rule: Rule }[]
  removed: string[]
}

export const mutableChange = (table: TableChange['table']): MutableChange => ({ table, chains: new Map(), deleted: [], appended: [], removed: [] })

const sameRules = (a: readonly Rule[] | undefined, b: readonly Rule[]) => a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i])

interface StaleUdp {
  destination?: string
  destinationPort?: number
  endpoint?: string
}

/** UDP flows that would go on to an endpoint that is gone, or that were let through while there was none. */
export function staleUdpFlows(before: ServiceRules | undefined, after: ServiceRules | undefined): StaleUdp[] {
  const stale: StaleUdp[] = []
  const find = (rules: ServiceRules | undefined, at: { address?: string; port?: number }) => rules?.udp.find((u) => u.address === at.address && u.port === at.port)
  for (const was of before?.udp ?? []) {
    const now = find(after, was)
    for (const endpoint of was.endpoints) {
      if (!now?.endpoints.includes(endpoint)) stale.push({ destination: was.address, destinationPort: was.port, endpoint })
    }
  }
  for (const now of after?.udp ?? []) {
    if (now.endpoints.length > 0 && !find(before, now)?.endpoints.length) stale.push({ destination: now.address, destinationPort: now.port })
  }
  return stale
}
