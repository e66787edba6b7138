// What makes the pods of a StatefulSet individuals: name, labels, host name, claims.
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { podFromTemplate } from '../common/pods.ts'

export const revisionLabel = 'controller-revision-hash'
const podNameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'

/** -1 for a pod that is no member of the set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  const [, parent, ordinal] = /^(.*)-(\d+)$/.exec(pod.metadata?.name ?? '') ?? []
  return parent === set.metadata?.name ? Number(ordinal) : -1
}

export const firstOrdinal = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0
export const wantedReplicas = (set: StatefulSet): number => set.spec?.replicas ?? 1
export const isInRange = (set: StatefulSet, ordinal: number): boolean => ordinal >= firstOrdinal(set) && ordinal < firstOrdinal(set) + wantedReplicas(set)

const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string => `${template.metadata?.name}-${set.metadata?.name}-${ordinal}`

/** The claims of one member, by the name of their volume. */
export function claimsOf(set: Stored<StatefulSet>, ordinal: number): Map<string, PersistentVolumeClaim> {
  return new Map(
    (set.spec?.volumeClaimTemplates ?? []).map((template) => {
      const { labels, annotations } = template.metadata ?? {}
      const metadata = {
        ...(annotations ? { annotations } : {}), name: claimName(set, template, ordinal), namespace: set.metadata.namespace,
        labels: { ...labels, ...set.spec?.selector.matchLabels },
      }
      return [template.metadata?.name ?? '', { metadata, spec: template.spec }]
    }),
  )
}

export function identityLabels(set: Stored<StatefulSet>, ordinal: number): Record<string, string> {
  return { [podNameLabel]: `${set.metadata.name}-${ordinal}`, [indexLabel]: String(ordinal) }
}

export function memberPod(set: Stored<StatefulSet>, template: PodTemplateSpec, ordinal: number, revision: string): Pod {
  const { metadata, spec } = podFromTemplate(template, set)
  const name = `${set.metadata.name}-${ordinal}`
  return {
    metadata: { ...metadata, name, labels: { ...metadata?.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision } },
    spec: { ...spec!, hostname: name, ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}), volumes: volumesOf(set, spec?.volumes, ordinal) },
  }
}

export function volumesOf(set: Stored<StatefulSet>, volumes: readonly Volume[] = [], ordinal: number): Volume[] {
  const claims = claimsOf(set, ordinal)
  const own = Array.from(claims, ([name, claim]) => ({ name, persistentVolumeClaim: { claimName: claim.metadata?.name ?? '' } }))
  return [...own, ...volumes.filter((volume) => !claims.has(volume.name))]
}

export function hasIdentity(set: Stored<StatefulSet>, pod: Stored<Pod>): boolean {
  const claims = claimsOf(set, ordinalOf(set, pod))
  const hasVolume = ([name, claim]: [string, PersistentVolumeClaim]) =>
    (pod.spec?.volumes ?? []).some((volume) => volume.name === name && volume.persistentVolumeClaim?.claimName === claim.metadata?.name)
  return pod.metadata.labels?.[podNameLabel] === pod.metadata.name && [...claims].every(hasVolume)
}
