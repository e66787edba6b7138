// What a pod asks for in sum (source: k8s.io/component-helpers/resource): init containers run one after the other, restartable ones stay beside the rest.
import type { Container, Pod, PodSpec } from './generated/types.ts'
import { parseQuantity } from './quantity.ts'
import type { Quantity } from './quantity.ts'

/** By resource name: `cpu`, `memory`, `nvidia.com/gpu`. */
export type ResourceAmounts = Map<string, Quantity>
export type Part = 'requests' | 'limits'

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

/** What the containers of a pod need together: all at once, or the greediest init container beside the sidecars before it. */
export function aggregateContainers(spec: PodSpec | undefined, part: Part): ResourceAmounts {
  const read = ({ resources }: Container) => parseAmounts(resources?.[part])
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
  return sum
}

function podAmounts({ spec }: Pod, part: Part): ResourceAmounts {
  const sum = aggregateContainers(spec, part)
  for (const [name, amount] of parseAmounts(spec?.resources?.[part])) if (podLevel(name)) sum.set(name, amount)
  return sum
}

/** Without overhead. */
export const podRequests = (pod: Pod): ResourceAmounts => podAmounts(pod, 'requests')
/** Without overhead. A container without a limit adds nothing. */
export const podLimits = (pod: Pod): ResourceAmounts => podAmounts(pod, 'limits')

/** With overhead, which raises a limit only where there is one. */
export function podTotal(pod: Pod, part: Part): ResourceAmounts {
  const sum = podAmounts(pod, part)
  for (const [name, overhead] of parseAmounts(pod.spec?.overhead)) if (part === 'requests' || sum.has(name)) addAmounts(sum, new Map([[name, overhead]]))
  return sum
}
