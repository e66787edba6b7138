// `resourceFieldRef`: a request or limit as a number. A limit that is not set is the node's allocatable amount.
import type { Container, ResourceFieldSelector } from '../../api/generated/types.ts'
import type { AgentPod } from '../pod/types.ts'
import { parseQuantity } from '../../api/quantity.ts'
import type { ResourceList } from '../../api/pod-amounts.ts'

interface ResourceFieldInput {
  pod: AgentPod
  container?: Container
  field: ResourceFieldSelector
  allocatable: ResourceList
}

/** @throws Error for a resource or container that does not exist. */
export function resourceFieldValue({ pod, container, field, allocatable }: ResourceFieldInput): string {
  const named = field.containerName ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === field.containerName) : container
  if (!named) throw new Error(`container ${field.containerName} not found`)
  const [, kind, name] = /^(requests|limits)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(field.resource) ?? []
  if (!kind || !name) throw new Error(`unsupported container resource : ${field.resource}`)
  const own = named.resources?.[kind as 'requests' | 'limits']?.[name]
  const quantity = parseQuantity(own ?? (kind === 'limits' ? (pod.spec.resources?.limits?.[name] ?? allocatable[name] ?? '0') : '0'))
  const given = field.divisor === undefined ? undefined : parseQuantity(field.divisor)
  const divisor = given && !given.isZero() ? given : parseQuantity('1')
  const quotient = name === 'cpu' ? quantity.milliValue() / divisor.milliValue() : quantity.value() / divisor.value()
  return String(Math.ceil(quotient))
}
