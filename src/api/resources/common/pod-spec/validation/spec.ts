// Pod specs, in pods and in templates (source: pkg/apis/core/validation `ValidatePodSpec`).
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../../../field-error.ts'
import type { ObjectMeta, PodDNSConfig, PodResourceClaim, PodSpec, Toleration } from '../../../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain, isLabelValue, patternMessage, tooLongMessage } from '../../../../names.ts'
import { aggregateContainers } from '../../../../pod-resources.ts'
import { checked, type Findings, oneOf, oneOfIfSet, qualifiedName, withinRange } from '../../validation/findings.ts'
import { legacyIp } from '../../validation/ip.ts'
import { labels } from '../../validation/labels.ts'
import { isHugePages, quantityOf, resourceName, resourceRequirements } from '../../validation/resource-names.ts'
import { affinityOf, topologySpread } from './affinity.ts'
import { containers, ephemeralContainers, initContainers } from './containers.ts'
import { hostUsers, podSecurity } from './security.ts'
import { checkVolumes } from './volumes.ts'

const largestInt32 = 2147483647
export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function* tolerations(field: string, all: readonly Toleration[] | undefined): Findings {
  for (const [index, { key, operator = '', value = '', effect, tolerationSeconds }] of (all ?? []).entries()) {
    const at = `${field}[${index}]`
    if (key) yield* qualifiedName(`${at}.key`, key)
    else if (operator !== 'Exists') {
      yield invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"')
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      yield invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")
    }
    if (operator === 'Equal' || operator === '') {
      const wrong = isLabelValue(value)
      if (wrong.length > 0) yield invalid(`${at}.operator`, value, wrong.join(';'))
    } else if (operator === 'Exists') {
      if (value) yield invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'")
    } else if (operator === 'Lt' || operator === 'Gt') yield notSupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt'])
    else yield notSupported(`${at}.operator`, operator, ['Equal', 'Exists'])
    if (effect) yield* oneOfIfSet(`${at}.effect`, effect, taintEffects)
  }
}

const underscoredLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const underscoredDomain = `${underscoredLabel}(\\.${underscoredLabel})*`

function isUnderscoredDomain(text: string): string[] {
  const long = Buffer.byteLength(text) > 253 ? [tooLongMessage(253)] : []
  if (new RegExp(`^${underscoredDomain}$`).test(text)) return long
  const message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
  return [...long, patternMessage(message, underscoredDomain, 'example.com')]
}

function* dnsConfig(field: string, config: PodDNSConfig | undefined, policy: string | undefined): Findings {
  if (policy === 'None') {
    if (!config) return yield required(field, 'must provide `dnsConfig` when `dnsPolicy` is None')
    if (!config.nameservers?.length) return yield required(`${field}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')
  }
  const { nameservers = [], searches = [], options = [] } = config ?? {}
  if (nameservers.length > 3) yield invalid(`${field}.nameservers`, nameservers, 'must not have more than 3 nameservers')
  for (const [index, server] of nameservers.entries()) yield* legacyIp(`${field}.nameservers[${index}]`, server)
  if (searches.length > 32) yield invalid(`${field}.searches`, searches, 'must not have more than 32 search paths')
  if (searches.join(' ').length > 2048) {
    yield invalid(`${field}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list')
  }
  for (const [index, search] of searches.entries()) {
    if (search !== '.') yield* checked(`${field}.searches[${index}]`, search.replace(/\.$/, ''), isUnderscoredDomain)
  }
  for (const [index, option] of options.entries()) if (!option.name) yield required(`${field}.options[${index}]`, 'must not be empty')
}

function* schedulingGates(field: string, gates: PodSpec['schedulingGates']): Findings {
  const seen = new Set<string>()
  for (const [index, { name }] of (gates ?? []).entries()) {
    yield* qualifiedName(`${field}[${index}]`, name)
    if (seen.has(name)) yield duplicate(`${field}[${index}]`, name)
    seen.add(name)
  }
}

function* resourceClaims(field: string, all: readonly PodResourceClaim[] | undefined): Findings {
  const names = new Set<string>()
  for (const [index, claim] of (all ?? []).entries()) {
    const at = `${field}[${index}]`
    if (!claim.name) yield required(`${at}.name`)
    else if (names.has(claim.name)) yield duplicate(`${at}.name`, claim.name)
    else yield* checked(`${at}.name`, claim.name, isDnsLabel)
    names.add(claim.name)
    const { resourceClaimName: name, resourceClaimTemplateName: template } = claim
    if (name !== undefined && template !== undefined) {
      yield invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified')
    }
    if (name === undefined && template === undefined) yield invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')
    if (name !== undefined) yield* checked(`${at}.resourceClaimName`, name, isDnsSubdomain)
    if (template !== undefined) yield* checked(`${at}.resourceClaimTemplateName`, template, isDnsSubdomain)
  }
}

function* podLevelName(field: string, name: string): Findings {
  const wrong = [...resourceName(field, name)]
  yield* wrong
  if (wrong.length === 0 && !['cpu', 'memory'].includes(name) && !isHugePages(name)) yield notSupported(field, name, ['cpu', 'hugepages-', 'memory'])
}

function* podLevelResources(field: string, spec: PodSpec): Findings {
  if (!spec.resources) return
  if (spec.resources.claims) yield forbidden(`${field}.claims`, 'claims may not be set for Resources at pod-level')
  yield* resourceRequirements(field, spec.resources, podLevelName)
  for (const [name, sum] of aggregateContainers(spec, 'requests')) {
    const own = quantityOf(spec.resources.requests?.[name])
    if (own && sum.compare(own) > 0) {
      yield invalid(`${field}.requests[${name}]`, own.toString(), `must be greater than or equal to aggregate container requests of ${sum}`)
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
      const [own, most] = [quantityOf(text), quantityOf(spec.resources.limits?.[name])]
      if (own && most && own.compare(most) > 0) {
        yield invalid(`${field}.containers[${index}][${name}].limits`, own.toString(), `must be less than or equal to pod limits of ${most}`)
      }
    }
  }
}

/** `isPod`: host ports are settled in pods, and may still be left open in templates. */
function* hostNetworkPorts(field: string, spec: PodSpec, { isPod }: { isPod: boolean }): Findings {
  if (!spec.hostNetwork) return
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [portIndex, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        yield invalid(`${field}.containers[${index}].ports[${portIndex}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')
      }
    }
  }
}

function* hostnames(field: string, spec: PodSpec): Findings {
  const own = spec.hostnameOverride
  if (own === undefined) return
  if (spec.setHostnameAsFQDN) yield forbidden(`${field}.hostnameOverride`, 'may not be specified when setHostnameAsFQDN is true')
  if (spec.hostNetwork) yield forbidden(`${field}.hostnameOverride`, 'may not be specified when hostNetwork is true')
  if (own.length > 64) yield tooLong(`${field}.hostnameOverride`, 64)
  yield* checked(`${field}.hostnameOverride`, own, isDnsSubdomain)
}

function* names(field: string, spec: PodSpec): Findings {
  if (spec.serviceAccountName) yield* checked(`${field}.serviceAccountName`, spec.serviceAccountName, isDnsSubdomain)
  if (spec.nodeName) yield* checked(`${field}.nodeName`, spec.nodeName, isDnsSubdomain)
  yield* withinRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, [1, largestInt32])
  if (spec.hostname) yield* checked(`${field}.hostname`, spec.hostname, isDnsLabel)
  if (spec.subdomain) yield* checked(`${field}.subdomain`, spec.subdomain, isDnsLabel)
  yield* tolerations(`${field}.tolerations`, spec.tolerations)
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    yield* legacyIp(`${field}.hostAliases[${index}].ip`, alias.ip)
    for (const [at, name] of (alias.hostnames ?? []).entries()) yield* checked(`${field}.hostAliases[${index}].hostnames[${at}]`, name, isDnsSubdomain)
  }
  if (spec.priorityClassName) yield* checked(`${field}.priorityClassName`, spec.priorityClassName, isDnsSubdomain)
  if (spec.runtimeClassName !== undefined) yield* checked(`${field}.runtimeClassName`, spec.runtimeClassName, isDnsSubdomain)
}

interface PodSpecContext {
  isPod: boolean
  metadata?: ObjectMeta
}

export function* podSpec(field: string, spec: PodSpec, { isPod, metadata }: PodSpecContext): Findings {
  if (spec.terminationGracePeriodSeconds === undefined) yield required(`${field}.terminationGracePeriodSeconds`)
  const { volumes, errors } = checkVolumes(`${field}.volumes`, spec.volumes, metadata)
  yield* errors
  yield* resourceClaims(`${field}.resourceClaims`, spec.resourceClaims)
  yield* containers(`${field}.containers`, { spec, volumes })
  yield* initContainers(`${field}.initContainers`, { spec, volumes })
  yield* ephemeralContainers(`${field}.ephemeralContainers`, { spec, volumes })
  yield* podLevelResources(`${field}.resources`, spec)
  yield* hostNetworkPorts(field, spec, { isPod })
  yield* oneOf(`${field}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  yield* oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'])
  yield* labels(`${field}.nodeSelector`, spec.nodeSelector)
  yield* podSecurity(`${field}.securityContext`, spec)
  yield* affinityOf(`${field}.affinity`, spec.affinity)
  yield* dnsConfig(`${field}.dnsConfig`, spec.dnsConfig, spec.dnsPolicy)
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) yield* qualifiedName(`${field}.readinessGates[${index}].conditionType`, gate.conditionType)
  yield* schedulingGates(`${field}.schedulingGates`, spec.schedulingGates)
  yield* topologySpread(`${field}.topologySpreadConstraints`, spec.topologySpreadConstraints)
  yield* hostUsers(field, spec)
  yield* hostnames(field, spec)
  yield* names(field, spec)
  if (spec.preemptionPolicy !== undefined) yield* oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  if (spec.overhead) yield* resourceRequirements(`${field}.overhead`, { limits: spec.overhead })
  if (spec.os) yield* oneOf(spec.os.name ? `${field}.os` : `${field}.os.name`, spec.os.name, ['linux', 'windows'])
}
