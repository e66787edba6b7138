// Sums up what a namespace uses of each name in a quota (source: pkg/controller/resourcequota).
import type { ResourceQuota } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { addAmounts, type ResourceAmounts } from '../../api/pod-resources.ts'
import { inScope, quotaUsage, trackedNames, zeroAmount } from '../../api/quota.ts'
import { resourcequotas } from '../../api/refs.ts'
import type { Plan } from '../../controller/definition.ts'
import { statusSteps, type StatusStep } from '../common/status.ts'

interface Observed {
  quota: Stored<ResourceQuota>
  /** The namespace's objects, by kind as in `replicasets.apps`. */
  objects: ReadonlyMap<string, readonly KubeObject[]>
}

/** Also what no event tells of is seen by then: a pod that outlived its grace, a write that was admitted and failed. */
const sumAgainAfter = 5 * 60_000

export function planQuota({ quota, objects }: Observed, now: number): Plan<StatusStep> {
  const hard = quota.spec?.hard ?? {}
  const used: ResourceAmounts = new Map()
  for (const [kind, present] of objects) {
    const names = trackedNames(kind, Object.keys(hard))
    for (const name of names) used.set(name, used.get(name) ?? zeroAmount)
    for (const object of present) {
      if (!inScope(quota, kind, object)) continue
      const usage = quotaUsage(kind, object, now)
      addAmounts(used, new Map([...usage].filter(([name]) => names.includes(name))))
    }
  }
  const status = { hard, used: Object.fromEntries([...used].map(([name, amount]) => [name, String(amount)])) }
  return { steps: statusSteps(resourcequotas, quota, status), wakeAfter: sumAgainAfter }
}
