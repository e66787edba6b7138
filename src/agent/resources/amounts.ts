// Requests and limits as plain numbers: CPU in thousandths of a core, everything else in whole units (bytes for memory).
import { parseQuantity } from '../../api/quantity.ts'
import type { Container } from '../../api/generated/types.ts'
import { isSidecar, type AgentPod } from '../pod/types.ts'

export type ResourceList = Record<string, string>
export type Amounts = Record<string, number>
type Field = 'requests' | 'limits'

export const amount = (name: string, quantity: string | undefined): number =>
  quantity === undefined ? 0 : name === 'cpu' ? parseQuantity(quantity).milliValue() : parseQuantity(quantity).value()

export function amountsOf(list: ResourceList | undefined): Amounts {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, quantity]) => [name, amount(name, quantity)]))
}

const add = (into: Amounts, from: Amounts) => {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}
const raise = (into: Amounts, to: Amounts) => {
  for (const [name, value] of Object.entries(to)) into[name] = Math.max(into[name] ?? 0, value)
}

/** What the whole pod asks for: containers and sidecars together, or the greediest moment of its start (source: KEP-753), plus overhead. */
export function podAmounts(pod: AgentPod, field: Field): Amounts {
  const total: Amounts = {}
  const own = (container: Container) => amountsOf(container.resources?.[field])
  for (const container of pod.spec.containers) add(total, own(container))
  const sidecars: Amounts = {}
  const start: Amounts = {}
  for (const container of pod.spec.initContainers ?? []) {
    const needed = own(container)
    if (isSidecar(container)) {
      add(total, needed)
      add(sidecars, needed)
      raise(start, sidecars)
    } else {
      add(needed, sidecars)
      raise(start, needed)
    }
  }
  raise(total, start)
  Object.assign(total, amountsOf(pod.spec.resources?.[field]))
  for (const [name, value] of Object.entries(amountsOf(pod.spec.overhead))) {
    if (field === 'requests' || total[name]) total[name] = (total[name] ?? 0) + value
  }
  return total
}
