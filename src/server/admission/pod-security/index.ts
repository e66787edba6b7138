// Keeps pods to the Pod Security level that their namespace enforces, warns of others (source: k8s.io/pod-security-admission/admission).
import type { CronJob, Deployment, Namespace, Pod, PodSpec, PodTemplate, PodTemplateSpec } from '../../../api/generated/types.ts'
import { namespaces, pods } from '../../../api/refs.ts'
import { forbiddenError, invalidError } from '../../../api/status-error.ts'
import type { ObjectReader } from '../../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { currentOf, draftOf, resourceOf } from '../requests.ts'
import type { CheckedPod } from './checks.ts'
import { describePolicy, describeViolations, policyOf, stricter, violations } from './policy.ts'
import type { LevelVersion } from './policy.ts'

const templateOf = (object: object | undefined): PodTemplateSpec | undefined => (object as Deployment | undefined)?.spec?.template
const templates: Readonly<Record<string, (draft: object) => PodTemplateSpec | undefined>> = {
  'podtemplates': (draft) => (draft as PodTemplate).template,
  'replicationcontrollers': templateOf,
  'replicasets.apps': templateOf,
  'deployments.apps': templateOf,
  'statefulsets.apps': templateOf,
  'daemonsets.apps': templateOf,
  'jobs.batch': templateOf,
  'cronjobs.batch': (draft) => templateOf((draft as CronJob).spec?.jobTemplate),
}
const podSubresources = ['', 'ephemeralcontainers', 'resize']

export const createPodSecurity = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PodSecurity',
  handles(request) {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return false
    const resource = resourceOf(request)
    const { subresource } = request.attributes
    return resource === 'pods' ? podSubresources.includes(subresource) : subresource === '' && (resource === 'namespaces' || templates[resource] !== undefined)
  },
  validate(request) {
    const resource = resourceOf(request)
    if (resource === 'namespaces') return checkNamespace(reader, request)
    const policy = policyOf(reader.get(namespaces, request.attributes.namespace)?.metadata.labels)
    if (policy.policy.enforce.level === 'privileged' && policy.policy.warn.level === 'privileged') return
    const template = resource === 'pods' ? draftOf<Pod>(request) : templates[resource]!(request.draft!)
    const pod = template?.spec && { metadata: template.metadata ?? {}, spec: template.spec }
    if (!pod) return
    if (resource === 'pods') {
      if (request.operation === 'UPDATE' && !changesContainers(pod.spec, currentOf<Pod>(request).spec!)) return
      enforce(request, policy.policy.enforce, pod)
    }
    const found = violations(policy.policy.warn, pod)
    if (found.length) request.warn(`would violate PodSecurity ${JSON.stringify(describePolicy(policy.policy.warn))}: ${describeViolations(found)}`)
  },
})

function enforce({ attributes, definition, draft }: AdmissionRequest, policy: LevelVersion, pod: CheckedPod): void {
  const found = violations(policy, pod)
  if (!found.length) return
  const why = `violates PodSecurity ${JSON.stringify(describePolicy(policy))}: ${describeViolations(found)}`
  throw forbiddenError({ group: definition.group, resource: definition.plural }, attributes.name || (draft?.metadata?.name ?? ''), why)
}

const imagesOf = (containers: readonly { name: string; image?: string }[] | undefined) => (containers ?? []).map(({ image }) => image).join('\n')

function changesContainers(now: PodSpec, before: PodSpec): boolean {
  if (imagesOf(now.containers) !== imagesOf(before.containers) || imagesOf(now.initContainers) !== imagesOf(before.initContainers)) return true
  return (now.ephemeralContainers ?? []).some(({ name, image }) => !before.ephemeralContainers?.some((other) => other.name === name && other.image === image))
}

/** A namespace whose enforced level becomes stricter: what is there stays, its owner is told. */
function checkNamespace(reader: ObjectReader, request: AdmissionRequest): void {
  const { metadata } = draftOf<Namespace>(request)
  const now = policyOf(metadata?.labels)
  const before = request.operation === 'UPDATE' ? policyOf(currentOf<Namespace>(request).metadata?.labels) : undefined
  if (now.errors.length && JSON.stringify(now.errors) !== JSON.stringify(before?.errors)) {
    throw invalidError({ group: '', kind: 'Namespace' }, metadata?.name ?? '', now.errors)
  }
  if (!before) return
  const [level, previous] = [now.policy.enforce, before.policy.enforce]
  if (level.level === 'privileged' || describePolicy(level) === describePolicy(previous)) return
  if (level.version === previous.version && !stricter(level.level, previous.level)) return
  for (const warning of existingViolations(reader, metadata?.name ?? '', level)) request.warn(warning)
}

function existingViolations(reader: ObjectReader, namespace: string, level: LevelVersion): string[] {
  const byReason = new Map<string, string[]>()
  for (const pod of podsIn(reader, namespace)) {
    const found = violations(level, pod)
    const reason = found.map((one) => one.reason).join(', ')
    if (found.length) byReason.set(reason, [...(byReason.get(reason) ?? []), pod.metadata.name])
  }
  if (!byReason.size) return []
  const lines = [...byReason].map(([reason, names]) => {
    const others = names.length - 1
    return `${names.sort()[0]}${others ? ` (and ${others} other pod${others > 1 ? 's' : ''})` : ''}: ${reason}`
  })
  const head = `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(describePolicy(level))}`
  return [head, ...lines.sort()]
}

const mostPodsChecked = 3000

const podsIn = (reader: ObjectReader, namespace: string) =>
  reader.list(pods, namespace).slice(0, mostPodsChecked).flatMap(({ metadata, spec }) => (spec ? [{ metadata, spec }] : []))
