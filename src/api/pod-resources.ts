// What a pod asks for in sum (source: k8s.io/component-helpers/resource): init containers run one after the other, restartable ones stay beside the rest.
import type { Container, Pod, ResourceRequirements } from './generated/types.ts'
import { parseQuantity } from './quantity.ts'
import type { Quantity } from './quantity.ts'

/** By resource name: `cpu`, `memory`, `nvidia.com/gpu`. */
export type ResourceAmounts = Map<string, Quantity>

export const parseAmounts = (list: Readonly<Record<string, string>> | undefined): ResourceAmounts =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]))

export function addAmounts(sum: ResourceAmounts, more: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of more) sum.set(name, sum.get(name)?.add(amount) ?? amount)
}

function raiseAmounts(highest: ResourceAmounts, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of other) {
    const known = highest.get(name)
    if (!known || known.compare(amount) < 0) highest.set(name, amount)
  }
}

const podLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

function podAmounts({ spec }: Pod, part: 'requests' | 'limits', read: (container: Container) => ResourceAmounts): ResourceAmounts {
  const sum: ResourceAmounts = new Map()
  for (const container of spec?.containers ?? []) addAmounts(sum, read(container))
  const sidecars: ResourceAmounts = new Map()
  const highest: ResourceAmounts = new Map()
  for (const container of spec?.initContainers ?? []) {
    const own = read(container)
    if (container.restartPolicy === 'Always') {
      addAmounts(sum, own)
      addAmounts(sidecars, own)
      raiseAmounts(highest, sidecars)
    } else {
      addAmounts(own, sidecars)
      raiseAmounts(highest, own)
    }
  }
  raiseAmounts(sum, highest)
  for (const [name, amount] of parseAmounts(spec?.resources?.[part])) if (podLevel(name)) sum.set(name, amount)
  return sum
}

const amountsOf = (part: 'requests' | 'limits') => ({ resources }: { resources?: ResourceRequirements }) => parseAmounts(resources?.[part])

/** Without overhead. */
export const podRequests = (pod: Pod): ResourceAmounts => podAmounts(pod, 'requests', amountsOf('requests'))
/** Without overhead. A container without a limit adds nothing. */
export const podLimits = (pod: Pod): ResourceAmounts => podAmounts(pod, 'limits', amountsOf('limits'))

export const podOverhead = ({ spec }: Pod): ResourceAmounts => parseAmounts(spec?.overhead)
