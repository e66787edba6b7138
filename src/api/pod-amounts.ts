// Requests and limits as plain numbers, for agent and scheduler (`pod-resources.ts` has them exactly): CPU in thousandths of a core,
// everything else in whole units (bytes for memory).
import type { Container, PodSpec } from './generated/types.ts'
import { parseQuantity } from './quantity.ts'

export type ResourceList = Readonly<Record<string, string>>
/** By resource name. */
export type Amounts = Readonly<Record<string, number>>
type Sum = Record<string, number>
type Field = 'requests' | 'limits'

export const amount = (name: string, quantity: string | undefined): number =>
  quantity === undefined ? 0 : name === 'cpu' ? parseQuantity(quantity).milliValue() : parseQuantity(quantity).value()

export function amountsOf(list: ResourceList | undefined): Sum {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, quantity]) => [name, amount(name, quantity)]))
}

const add = (into: Sum, from: Amounts) => {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}
const raise = (into: Sum, to: Amounts) => {
  for (const [name, value] of Object.entries(to)) into[name] = Math.max(into[name] ?? 0, value)
}

/** What the whole pod asks for: containers and sidecars together, or the greediest moment of its start (source: KEP-753), plus overhead. */
export function podAmounts({ spec }: { spec: PodSpec }, field: Field): Amounts {
  const total: Sum = {}
  const own = (container: Container) => amountsOf(container.resources?.[field])
  for (const container of spec.containers) add(total, own(container))
  const sidecars: Sum = {}
  const start: Sum = {}
  for (const container of spec.initContainers ?? []) {
    const needed = own(container)
    if (container.restartPolicy === 'Always') {
      add(total, needed)
      add(sidecars, needed)
      raise(start, sidecars)
    } else {
      add(needed, sidecars)
      raise(start, needed)
    }
  }
  raise(total, start)
  Object.assign(total, amountsOf(spec.resources?.[field]))
  for (const [name, value] of Object.entries(amountsOf(spec.overhead))) {
    if (field === 'requests' || total[name]) total[name] = (total[name] ?? 0) + value
  }
  return total
}
