// A ClusterRole with an aggregation rule has the rules of all roles that the rule selects.
import { isDeepStrictEqual } from 'node:util'
import type { ClusterRole, PolicyRule } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'

interface RulesStep {
  do: 'setRules'
  role: Stored<ClusterRole>
  rules: PolicyRule[]
}

interface Observed {
  role: Stored<ClusterRole>
  all: readonly Stored<ClusterRole>[]
}

export function planAggregation({ role, all }: Observed): Plan<RulesStep> {
  if (!role.aggregationRule) return nothingToDo
  const others = all.filter(({ metadata }) => metadata.name !== role.metadata.name).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const rules: PolicyRule[] = []
  for (const selector of (role.aggregationRule.clusterRoleSelectors ?? []).map(labelSelectorOf)) {
    for (const other of others) {
      if (!selector.matches(other.metadata.labels)) continue
      for (const rule of other.rules ?? []) if (!rules.some((known) => isDeepStrictEqual({ ...known }, { ...rule }))) rules.push(rule)
    }
  }
  return isDeepStrictEqual(plain(rules), plain(role.rules ?? [])) ? nothingToDo : { steps: [{ do: 'setRules', role, rules }] }
}

const plain = (rules: readonly PolicyRule[]): unknown => JSON.parse(JSON.stringify(rules))
