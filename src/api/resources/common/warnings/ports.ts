// Ports of a pod's containers that stand in each other's way (source: pkg/api/pod/warnings.go).
import type { ContainerPort } from '../../../generated/types.ts'
import type { Warnings } from './warnings.ts'

export interface PlacedPort {
  field: string
  port: ContainerPort
}

/** As Go prints the struct. */
const goText = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort) =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`

function relation(a: ContainerPort, b: ContainerPort): string | undefined {
  const [hostPort, otherHostPort] = [a.hostPort ?? 0, b.hostPort ?? 0]
  const [address, otherAddress] = [a.hostIP ?? '', b.hostIP ?? '']
  if (address === otherAddress && hostPort === otherHostPort) return 'duplicate'
  if (hostPort === 0 || otherHostPort === 0) return 'overlapping'
  return hostPort === otherHostPort && (address === '') !== (otherAddress === '') ? 'dangerously ambiguous' : undefined
}

export function* portWarnings(ports: readonly PlacedPort[]): Warnings {
  const before = new Map<string, PlacedPort[]>()
  for (const placed of ports) {
    const { field, port } = placed
    if (port.hostIP && !port.hostPort) yield `${field}: hostIP set without hostPort: ${goText(port)}`
    const key = `${port.containerPort}/${port.protocol}`
    const others = before.get(key) ?? []
    for (const other of others) {
      const found = relation(port, other.port)
      if (found) yield `${field}: ${found} port definition with ${other.field}`
    }
    before.set(key, [...others, placed])
  }
}

export function* portNameWarnings(ports: readonly PlacedPort[]): Warnings {
  const before = new Map<string, string>()
  for (const { field, port } of ports) {
    if (!port.name) continue
    const other = before.get(port.name)
    if (other) yield `${field}: duplicate port name ${JSON.stringify(port.name)} with ${other}, services and probes that select ports by name will use ${other}`
    else before.set(port.name, field)
  }
}
