// Names and amounts of resources (source: pkg/apis/core/helper, pkg/apis/core/validation).
import { type FieldError, forbidden, invalid, required } from '../../../field-error.ts'
import type { ResourceRequirements } from '../../../generated/types.ts'
import { isQualifiedName } from '../../../names.ts'
import { type Quantity, parseQuantity } from '../../../quantity.ts'
import { type Findings, messages } from './findings.ts'

const ofContainers = new Set(['cpu', 'memory', 'ephemeral-storage'])
const standard = new Set([
  ...ofContainers, ...['requests', 'limits'].flatMap((kind) => [...ofContainers].map((name) => `${kind}.${name}`)),
  'pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims',
  'storage', 'requests.storage', 'services.nodeports', 'services.loadbalancers',
])
const counted = new Set(['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'])

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/')
const isExtendedResource = (name: string): boolean => !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0
const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name)
export const isStandardQuotaResource = (name: string): boolean => (standard.has(name) && name !== 'storage') || isHugePages(name) || name.startsWith('requests.hugepages-')

/** @returns undefined for text that is no quantity, which the schema has refused already. */
export function quantityOf(text: string | undefined): Quantity | undefined {
  try {
    return text === undefined ? undefined : parseQuantity(text)
  } catch {
    return undefined
  }
}

export function* resourceName(field: string, name: string): Findings {
  const wrong = [...messages(field, name, isQualifiedName(name))]
  if (wrong.length > 0) yield* wrong
  else if (!name.includes('/') && !standard.has(name) && !isHugePages(name) && !name.startsWith('requests.hugepages-')) {
    yield invalid(field, name, 'must be a standard resource type or fully qualified')
  }
}

export function* containerResourceName(field: string, name: string): Findings {
  yield* resourceName(field, name)
  if (!name.includes('/')) {
    if (!ofContainers.has(name) && !isHugePages(name)) yield invalid(field, name, 'must be a standard resource for containers')
  } else if (!isNative(name) && !isExtendedResource(name)) yield invalid(field, name, "doesn't follow extended resource name standard")
}

export function* resourceAmount(field: string, name: string, text: string): Findings {
  const amount = quantityOf(text)
  if (!amount) return
  if (amount.nanos < 0n) yield invalid(field, text, 'must be greater than or equal to 0')
  if ((counted.has(name) || isExtendedResource(name)) && amount.nanos % 1_000_000_000n !== 0n) yield invalid(field, text, 'must be an integer')
}

export function* nonNegativeQuantity(field: string, text: string | undefined): Findings {
  const amount = quantityOf(text)
  if (amount && amount.nanos < 0n) yield invalid(field, text, 'must be greater than or equal to 0')
}

function* againstLimit(requests: string, limits: string, { name, request, limit }: { name: string; request: string; limit: string | undefined }): Findings {
  const amount = quantityOf(request)
  const most = quantityOf(limit)
  if (!most) {
    if (!isOvercommitAllowed(name)) yield required(limits, 'Limit must be set for non overcommitable resources')
  } else if (amount && amount.compare(most) !== 0 && !isOvercommitAllowed(name)) {
    yield invalid(requests, amount.toString(), `must be equal to ${name} limit of ${most}`)
  } else if (amount && amount.compare(most) > 0) yield invalid(requests, amount.toString(), `must be less than or equal to ${name} limit of ${most}`)
}

type NameRule = (field: string, name: string) => Iterable<FieldError>

/** Requests and limits of a container, or of a pod with `names` of its own. */
export function* resourceRequirements(field: string, resources: ResourceRequirements | undefined, names: NameRule = containerResourceName): Findings {
  const [limits, requests] = [`${field}.limits`, `${field}.requests`]
  for (const [name, text] of Object.entries(resources?.limits ?? {})) {
    yield* names(`${limits}[${name}]`, name)
    yield* resourceAmount(`${limits}[${name}]`, name, text)
  }
  for (const [name, request] of Object.entries(resources?.requests ?? {})) {
    yield* names(`${requests}[${name}]`, name)
    yield* resourceAmount(`${requests}[${name}]`, name, request)
    yield* againstLimit(requests, limits, { name, request, limit: resources?.limits?.[name] })
  }
  const all = Object.keys({ ...resources?.limits, ...resources?.requests })
  if (all.some(isHugePages) && !all.includes('cpu') && !all.includes('memory')) yield forbidden(field, 'HugePages require cpu or memory')
}
