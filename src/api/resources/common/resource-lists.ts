// Sums over the resource lists of containers (source: k8s.io/component-helpers/resource).
import type { PodSpec } from '../../generated/types.ts'
import { type Quantity, parseQuantity } from '../../quantity.ts'
import { isSidecar } from './pod-spec/containers.ts'

type ResourceList = Readonly<Record<string, string>>
type Amounts = Map<string, Quantity>
type ResourceKind = 'requests' | 'limits'

export const amountsOf = (list: ResourceList | undefined): Amounts => new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]))

export function addAmounts(total: Amounts, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, total.get(name)?.add(amount) ?? amount)
}

function raiseAmounts(total: Amounts, least: Amounts): void {
  for (const [name, amount] of least) {
    const present = total.get(name)
    if (!present || present.compare(amount) < 0) total.set(name, amount)
  }
}

/** What the containers of a pod need together: all at once, or the greediest init container beside the sidecars before it. */
export function aggregateContainers(spec: PodSpec, kind: ResourceKind): Amounts {
  const total: Amounts = new Map()
  const sidecars: Amounts = new Map()
  const initial: Amounts = new Map()
  for (const { resources } of spec.containers ?? []) addAmounts(total, amountsOf(resources?.[kind]))
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(container.resources?.[kind])
    if (isSidecar(container)) {
      addAmounts(total, own)
      addAmounts(sidecars, own)
      raiseAmounts(initial, sidecars)
    } else {
      addAmounts(own, sidecars)
      raiseAmounts(initial, own)
    }
  }
  raiseAmounts(total, initial)
  return total
}
