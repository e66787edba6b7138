// Source: pkg/apis/apps/validation.
import { forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  ControllerRevision, DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec, ReplicaSet, StatefulSet, StatefulSetSpec,
} from '../../generated/types.ts'
import { isDnsLabel } from '../../names.ts'
import { labelSelectorOf } from '../../selector.ts'
import { equal } from '../common/equal.ts'
import { podTemplate } from '../common/pod-spec/validation/template.ts'
import { claimSpec } from '../common/validation/claims.ts'
import { checked, type Findings, immutable, listed, nonNegative } from '../common/validation/findings.ts'
import { amountOf, atMostAll, intOrPercent } from '../common/validation/int-or-percent.ts'
import { isEmptySelector, isReadable, labelSelector } from '../common/validation/labels.ts'
import { counters, notDecremented, replicaCounts, replicatedTemplate, requiredSelector, runsForEver, selectsTemplate } from '../common/validation/workloads.ts'

function* deploymentStrategy(strategy: DeploymentSpec['strategy']): Findings {
  const at = 'spec.strategy'
  const rolling = strategy?.rollingUpdate
  if (strategy?.type === 'Recreate') {
    if (rolling) yield forbidden(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")
  } else if (strategy?.type !== 'RollingUpdate') yield notSupported(at, strategy, ['Recreate', 'RollingUpdate'])
  else if (rolling) {
    yield* intOrPercent(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable)
    yield* intOrPercent(`${at}.rollingUpdate.maxSurge`, rolling.maxSurge)
    if (amountOf(rolling.maxUnavailable) === 0 && amountOf(rolling.maxSurge) === 0) {
      yield invalid(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0')
    }
    yield* atMostAll(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable)
  }
}

export const validateDeployment = listed(function* ({ spec }: Deployment): Findings {
  if (!spec) return yield required('spec.selector')
  yield* nonNegative('spec.replicas', spec.replicas)
  yield* requiredSelector('spec.selector', spec.selector, 'deployment')
  yield* replicatedTemplate('spec.template', spec.selector, spec.template)
  yield* deploymentStrategy(spec.strategy)
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds)
  yield* nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  yield* nonNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    yield invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds')
  }
})

export const validateSelectorUpdate = listed(function* (draft: Deployment | ReplicaSet | DaemonSet, current: Deployment | ReplicaSet | DaemonSet): Findings {
  yield* immutable('spec.selector', draft.spec?.selector, current.spec?.selector)
})

export const validateDeploymentStatus = listed(function* ({ status }: Deployment, current: Deployment): Findings {
  yield* replicaCounts({ ...status }, ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
  yield* nonNegative('status.unavailableReplicas', status?.unavailableReplicas)
  yield* notDecremented('status.collisionCount', status?.collisionCount, current.status?.collisionCount)
})

export const validateReplicaSet = listed(function* ({ spec }: ReplicaSet): Findings {
  if (!spec) return yield required('spec.selector')
  yield* nonNegative('spec.replicas', spec.replicas)
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds)
  yield* requiredSelector('spec.selector', spec.selector, 'deployment')
  yield* replicatedTemplate('spec.template', spec.selector, spec.template)
})

export const validateReplicaSetStatus = listed(function* ({ status }: ReplicaSet): Findings {
  yield* replicaCounts({ ...status }, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
})

function* daemonStrategy(strategy: DaemonSetSpec['updateStrategy']): Findings {
  const at = 'spec.updateStrategy'
  if (strategy?.type === 'OnDelete') return
  if (strategy?.type !== 'RollingUpdate') return yield notSupported(at, strategy, ['RollingUpdate', 'OnDelete'])
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate ?? {}
  for (const [name, value] of [['maxUnavailable', maxUnavailable], ['maxSurge', maxSurge]] as const) {
    yield* intOrPercent(`${at}.rollingUpdate.${name}`, value)
    yield* atMostAll(`${at}.rollingUpdate.${name}`, value)
  }
  const [unavailable, surge] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0]
  if (unavailable && surge) yield invalid(`${at}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')
  if (!unavailable && !surge) yield required(`${at}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0')
}

export const validateDaemonSet = listed(function* ({ spec }: DaemonSet): Findings {
  if (!spec) return yield required('spec.selector')
  const labels = spec.template?.metadata?.labels
  yield* labelSelector('spec.selector', spec.selector)
  const readable = !spec.selector || isReadable(spec.selector)
  if (readable && !labelSelectorOf(spec.selector).matches(labels)) {
    yield invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')
  }
  if (spec.selector && isEmptySelector(spec.selector)) yield invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset')
  yield* podTemplate('spec.template', spec.template)
  yield* runsForEver('spec.template', spec.template, 'DaemonSet')
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds)
  yield* daemonStrategy(spec.updateStrategy)
  yield* nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit)
})

const daemonCounters = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable', 'collisionCount']

export const validateDaemonSetStatus = listed(function* ({ status }: DaemonSet, current: DaemonSet): Findings {
  yield* counters({ ...status }, daemonCounters)
  yield* notDecremented('status.collisionCount', status?.collisionCount, current.status?.collisionCount)
})

function* statefulStrategy({ updateStrategy: strategy }: StatefulSetSpec): Findings {
  const at = 'spec.updateStrategy'
  const rolling = strategy?.rollingUpdate
  if (!strategy?.type) yield required(at)
  else if (strategy.type === 'OnDelete') {
    if (rolling) yield invalid(`${at}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'")
  } else if (strategy.type !== 'RollingUpdate') yield invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")
  else if (rolling) {
    yield* nonNegative(`${at}.rollingUpdate.partition`, rolling.partition)
    if (rolling.maxUnavailable === undefined) return
    yield* intOrPercent(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable)
    if (amountOf(rolling.maxUnavailable) === 0) yield invalid(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable, 'cannot be 0')
    yield* atMostAll(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable)
  }
}

/** The template as its pods will be: hostnames are the set's, claims become volumes. */
function effectiveTemplate({ template, volumeClaimTemplates = [] }: StatefulSetSpec): StatefulSetSpec['template'] {
  if (!template?.spec) return template
  const { subdomain: _subdomain, hostname: _hostname, volumes = [], ...spec } = template.spec
  const claimed = volumeClaimTemplates.map((claim) => ({ name: claim.metadata?.name ?? '', persistentVolumeClaim: { claimName: claim.metadata?.name ?? '' } }))
  const names = new Set(claimed.map((volume) => volume.name))
  return { ...template, spec: { ...spec, volumes: [...claimed, ...volumes.filter((volume) => !names.has(volume.name))] } }
}

export const validateStatefulSet = listed(function* ({ spec }: StatefulSet): Findings {
  if (!spec) return yield required('spec.selector')
  if (!spec.podManagementPolicy) yield required('spec.podManagementPolicy')
  else if (!['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy)) {
    yield invalid('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")
  }
  yield* statefulStrategy(spec)
  for (const name of ['whenDeleted', 'whenScaled'] as const) {
    const policy = spec.persistentVolumeClaimRetentionPolicy?.[name]
    if (policy !== undefined && policy !== 'Retain' && policy !== 'Delete') {
      yield notSupported(`spec.persistentVolumeClaimRetentionPolicy.${name}`, policy, ['Retain', 'Delete'])
    }
  }
  for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) yield* claimSpec(`spec.volumeClaimTemplates[${index}].spec`, claim.spec)
  yield* nonNegative('spec.replicas', spec.replicas)
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds)
  yield* nonNegative('spec.ordinals.start', spec.ordinals?.start)
  yield* requiredSelector('spec.selector', spec.selector, 'statefulset')
  if (spec.selector && !isReadable(spec.selector)) yield invalid('spec.selector', spec.selector)
  else {
    yield* selectsTemplate('spec.template', spec.selector, spec.template)
    yield* podTemplate('spec.template', effectiveTemplate(spec))
  }
  yield* runsForEver('spec.template', spec.template, 'StatefulSet')
})

export const validateStatefulSetCreate = listed(function* ({ spec }: StatefulSet): Findings {
  if (spec?.serviceName) yield* checked('spec.serviceName', spec.serviceName, isDnsLabel)
})

const changeable = ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds']
const fixedPart = (spec: StatefulSetSpec | undefined) => Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !changeable.includes(name)))

export const validateStatefulSetUpdate = listed(function* (draft: StatefulSet, current: StatefulSet): Findings {
  if (equal(fixedPart(draft.spec), fixedPart(current.spec))) return
  yield forbidden('spec', "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
})

export const validateStatefulSetStatus = listed(function* ({ status }: StatefulSet, current: StatefulSet): Findings {
  yield* replicaCounts({ ...status }, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], 'cannot be greater than status.readyReplicas')
  yield* notDecremented('status.collisionCount', status?.collisionCount, current.status?.collisionCount)
})

export const validateControllerRevision = listed(function* ({ revision }: ControllerRevision): Findings {
  yield* nonNegative('revision', revision)
})

export const validateControllerRevisionUpdate = listed(function* (draft: ControllerRevision, current: ControllerRevision): Findings {
  yield* immutable('data', draft.data, current.data)
})
