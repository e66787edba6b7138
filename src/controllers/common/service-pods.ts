// Which pods stand behind a service, and under which ports.
import type { Pod, Service, ServicePort } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import type { Informer } from '../../client/informer.ts'
import { compared, type Trigger } from '../../controller/definition.ts'
import { canonical } from './hash.ts'
import { isReady } from './pods.ts'

const selects = (selector: Record<string, string> | undefined, labels: Record<string, string> | undefined): boolean =>
  selector !== undefined && Object.entries(selector).every(([key, value]) => labels?.[key] === value)

/** Pods that a service of this selector has, as far as they have an address and have not ended. */
export const podsBehind = (service: Service, pods: readonly Stored<Pod>[]): Stored<Pod>[] =>
  pods.filter((pod) => selects(service.spec?.selector, pod.metadata.labels) && !isFinished(pod) && (pod.status?.podIPs?.length || pod.status?.podIP))

export function addressesOf({ status }: Pod): string[] {
  if (status?.podIPs?.length) return status.podIPs.map(({ ip }) => ip)
  return status?.podIP ? [status.podIP] : []
}

export const isIpv6 = (address: string): boolean => address.includes(':')

/** The number of a service's port on a pod; a name is looked up among the pod's ports. */
export function portOn(pod: Pod, { targetPort, port, protocol = 'TCP' }: ServicePort): number | undefined {
  if (typeof targetPort === 'number') return targetPort
  if (targetPort === undefined || targetPort === '') return port
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')]
  return containers.flatMap((container) => container.ports ?? []).find((p) => p.name === targetPort && (p.protocol ?? 'TCP') === protocol)?.containerPort
}

export const hostnameFor = (pod: Stored<Pod>, service: Stored<Service>): string | undefined =>
  pod.spec?.hostname && pod.spec.subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace ? pod.spec.hostname : undefined

export const hasClusterIp = ({ spec }: Service): boolean => spec?.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None'

/** The services that a pod's change concerns: nothing but what endpoints show counts. */
export function servicesOfPods(pods: Informer<Pod>, services: Informer<Service>): Trigger {
  return compared(pods, (before, now) => {
    if (before && now && shown(before) === shown(now)) return []
    const namespace = (now ?? before)!.metadata.namespace
    return services
      .list(namespace)
      .filter(({ spec }) => spec?.selector && (selects(spec.selector, before?.metadata.labels ?? none) || selects(spec.selector, now?.metadata.labels ?? none)))
      .map(objectKey)
  })
}

const none = {}

function shown(pod: Stored<Pod>): string {
  const { nodeName, hostname, subdomain } = pod.spec ?? {}
  return canonical([addressesOf(pod), isReady(pod), isFinished(pod), pod.metadata.deletionTimestamp !== undefined, pod.metadata.labels, nodeName, hostname, subdomain])
}
