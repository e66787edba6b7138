// Containers, init containers and ephemeral containers of a pod.
import { duplicate, forbidden, invalid, notFound, notSupported, required, tooMany } from '../../../../field-error.ts'
import type { Container, ContainerPort, ContainerResizePolicy, EphemeralContainer, Lifecycle, PodSpec } from '../../../../generated/types.ts'
import { isDnsLabel, isPortName, isPortNumber } from '../../../../names.ts'
import { type AnyContainer, isSidecar } from '../containers.ts'
import { checked, type Findings, messages, oneOf, requiredAnd } from '../../validation/findings.ts'
import { resourceRequirements } from '../../validation/resource-names.ts'
import { environment, environmentFrom } from './env.ts'
import { handlerOf, probes } from './probes.ts'
import { containerSecurity } from './security.ts'
import { volumeDevices, volumeMounts } from './volume-mounts.ts'
import type { VolumesByName } from './volumes.ts'

interface ContainerContext {
  spec: PodSpec
  volumes: VolumesByName
}

const protocols = ['SCTP', 'TCP', 'UDP']

function* ports(field: string, all: readonly ContainerPort[] | undefined): Findings {
  const names = new Set<string>()
  for (const [index, port] of (all ?? []).entries()) {
    const at = `${field}[${index}]`
    if (port.name) {
      const wrong = isPortName(port.name)
      yield* messages(`${at}.name`, port.name, wrong)
      if (wrong.length === 0 && names.has(port.name)) yield duplicate(`${at}.name`, port.name)
      names.add(port.name)
    }
    if (!port.containerPort) yield required(`${at}.containerPort`)
    else yield* messages(`${at}.containerPort`, port.containerPort, isPortNumber(port.containerPort))
    if (port.hostPort) yield* messages(`${at}.hostPort`, port.hostPort, isPortNumber(port.hostPort))
    yield* oneOf(`${at}.protocol`, port.protocol, protocols)
  }
}

function* hostPortConflicts(field: string, containers: readonly Container[]): Findings {
  const taken = new Set<string>()
  for (const [index, container] of containers.entries()) {
    for (const [portIndex, { protocol, hostIP = '', hostPort }] of (container.ports ?? []).entries()) {
      if (!hostPort) continue
      const text = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(text)) yield duplicate(`${field}[${index}].ports[${portIndex}].hostPort`, text)
      taken.add(text)
    }
  }
}

function* resizePolicy(field: string, policies: readonly ContainerResizePolicy[] | undefined, podPolicy: string | undefined): Findings {
  const seen = new Set<string>()
  for (const [index, { resourceName, restartPolicy }] of (policies ?? []).entries()) {
    if (seen.has(resourceName)) yield duplicate(`${field}[${index}]`, resourceName)
    seen.add(resourceName)
    yield* oneOf(field, resourceName, ['cpu', 'memory'])
    yield* oneOf(field, restartPolicy, ['NotRequired', 'RestartContainer'])
    if (podPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      yield invalid(field, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")
    }
  }
}

function* common(field: string, container: AnyContainer, { spec, volumes }: ContainerContext): Findings {
  yield* requiredAnd(`${field}.name`, container.name, isDnsLabel)
  if (!container.image) yield required(`${field}.image`)
  yield* oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError'])
  yield* ports(`${field}.ports`, container.ports)
  yield* environment(`${field}.env`, container.env)
  yield* environmentFrom(`${field}.envFrom`, container.envFrom)
  yield* volumeMounts(`${field}.volumeMounts`, container, volumes)
  yield* volumeDevices(`${field}.volumeDevices`, container, volumes)
  yield* oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'])
  yield* resourceRequirements(`${field}.resources`, container.resources)
  yield* claims(`${field}.resources.claims`, container, spec)
  yield* resizePolicy(`${field}.resizePolicy`, container.resizePolicy, spec.restartPolicy)
  yield* containerSecurity(`${field}.securityContext`, container.securityContext, { hostUsers: spec.hostUsers !== false })
}

function* claims(field: string, { resources }: AnyContainer, { resourceClaims }: PodSpec): Findings {
  const known = (resourceClaims ?? []).map((c) => c.name)
  for (const [index, { name, request }] of (resources?.claims ?? []).entries()) {
    if (request) yield* checked(`${field}[${index}].request`, request, isDnsLabel)
    if (!name) yield required(`${field}[${index}]`)
    if (known.includes(name)) continue
    const error = notFound(`${field}[${index}]`, name)
    const choice = known.length > 0 ? `: ${known.sort().join(', ')}` : ' which is empty'
    yield { ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${choice}` }
  }
}

function* lifecycle(field: string, hooks: Lifecycle | undefined, spec: PodSpec): Findings {
  const grace = spec.terminationGracePeriodSeconds
  if (hooks?.postStart) yield* handlerOf(`${field}.postStart`, hooks.postStart, grace)
  if (hooks?.preStop) yield* handlerOf(`${field}.preStop`, hooks.preStop, grace)
  if (hooks?.stopSignal !== undefined && !spec.os) yield forbidden(`${field}.stopSignal`, 'may not be set for containers with empty `spec.os.name`')
}

function* restartRules(field: string, container: Container): Findings {
  const { restartPolicy, restartPolicyRules: rules = [] } = container
  if (restartPolicy === undefined) {
    if (rules.length > 0) yield required(`${field}.restartPolicy`, 'must specify restartPolicy when restart rules are used')
  } else if (!['Always', 'Never', 'OnFailure'].includes(restartPolicy)) yield notSupported(`${field}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure'])
  if (rules.length > 20) yield tooMany(`${field}.restartPolicyRules`, rules.length, 20)
  for (const [index, rule] of rules.entries()) {
    const at = `${field}.restartPolicyRules[${index}]`
    if (!['Restart', 'RestartAllContainers'].includes(rule.action)) yield notSupported(`${at}.action`, rule.action, ['Restart', 'RestartAllContainers'])
    if (!rule.exitCodes) yield required(`${at}.exitCodes`, 'must be specified')
    else if (!['In', 'NotIn'].includes(rule.exitCodes.operator)) yield notSupported(`${at}.exitCodes.operator`, rule.exitCodes.operator, ['In', 'NotIn'])
  }
}

export function* containers(field: string, context: ContainerContext): Findings {
  const all = context.spec.containers ?? []
  if (all.length === 0) return yield required(field)
  const names = new Set<string>()
  for (const [index, container] of all.entries()) {
    const at = `${field}[${index}]`
    yield* common(at, container, context)
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name)
    names.add(container.name)
    yield* lifecycle(`${at}.lifecycle`, container.lifecycle, context.spec)
    yield* probes(at, container, context.spec.terminationGracePeriodSeconds)
    yield* restartRules(at, container)
  }
  yield* hostPortConflicts(field, all)
}

export function* initContainers(field: string, context: ContainerContext): Findings {
  const names = new Set((context.spec.containers ?? []).map((c) => c.name))
  for (const [index, container] of (context.spec.initContainers ?? []).entries()) {
    const at = `${field}[${index}]`
    yield* common(at, container, context)
    yield* restartRules(at, container)
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name)
    if (container.name) names.add(container.name)
    yield* hostPortConflicts(field, [container])
    if (isSidecar(container)) {
      yield* lifecycle(`${at}.lifecycle`, container.lifecycle, context.spec)
      yield* probes(at, container, context.spec.terminationGracePeriodSeconds)
      continue
    }
    for (const kind of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[kind]) yield forbidden(`${at}.${kind}`, 'may not be set for init containers without restartPolicy=Always')
    }
    for (const [policyIndex, policy] of (container.resizePolicy ?? []).entries()) {
      if (policy.restartPolicy === 'RestartContainer') {
        yield invalid(`${at}.resizePolicy[${policyIndex}].restartPolicy`, policy.restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers")
      }
    }
  }
}

const notEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resizePolicy', 'restartPolicy', 'restartPolicyRules'] as const

export function* ephemeralContainers(field: string, context: ContainerContext): Findings {
  const others = [...(context.spec.containers ?? []), ...(context.spec.initContainers ?? [])].map((c) => c.name)
  const names = new Set(others)
  for (const [index, container] of (context.spec.ephemeralContainers ?? []).entries()) {
    const at = `${field}[${index}]`
    yield* common(at, container, context)
    yield* imagePadding(at, container)
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name)
    names.add(container.name)
    if (container.targetContainerName && !others.includes(container.targetContainerName)) {
      yield notFound(`${at}.targetContainerName`, container.targetContainerName)
    }
    yield* onlyEphemeralFields(at, container)
  }
}

function* onlyEphemeralFields(field: string, container: EphemeralContainer): Findings {
  const why = 'cannot be set for an Ephemeral Container'
  for (const key of notEphemeral) if (container[key] !== undefined) yield forbidden(`${field}.${key}`, why)
  if (Object.keys(container.resources ?? {}).length > 0) yield forbidden(`${field}.resources`, why)
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    for (const key of ['subPath', 'subPathExpr'] as const) if (mount[key]) yield forbidden(`${field}.volumeMounts[${index}].${key}`, why)
  }
}

/** Only in pods: templates of older servers may hold such images. */
export function* imagePadding(field: string, { image = '' }: AnyContainer): Findings {
  if (image.trim() !== image) yield invalid(`${field}.image`, image, 'must not have leading or trailing whitespace')
}
