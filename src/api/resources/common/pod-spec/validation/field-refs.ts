// What the downward API can refer to, from environment variables and from volumes.
import { invalid, notSupported, required } from '../../../../field-error.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../../generated/types.ts'
import type { Findings } from '../../validation/findings.ts'
import { qualifiedName } from '../../validation/findings.ts'
import { isHugePages, quantityOf } from '../../validation/resource-names.ts'

export const envFields = [
  'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs',
]
export const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const convertible = [...envFields, ...volumeFields, 'spec.restartPolicy', 'spec.schedulerName', 'spec.host', 'status.phase', 'status.nominatedNodeName']

const resources = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory']
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

const subscripted = /^(.*)\['([^']*)'\]$/

export function* fieldRef(field: string, ref: ObjectFieldSelector, supported: readonly string[]): Findings {
  if (!ref.apiVersion) return yield required(`${field}.apiVersion`)
  if (!ref.fieldPath) return yield required(`${field}.fieldPath`)
  if (ref.apiVersion !== 'v1') return yield invalid(`${field}.fieldPath`, ref.fieldPath, `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`)
  const [, path, subscript] = subscripted.exec(ref.fieldPath) ?? []
  if (path !== undefined && subscript !== undefined) {
    if (path === 'metadata.annotations') yield* qualifiedName(field, subscript.toLowerCase())
    else if (path === 'metadata.labels') yield* qualifiedName(field, subscript)
    else yield invalid(field, path, 'does not support subscript')
  } else if (!convertible.includes(ref.fieldPath)) {
    yield invalid(`${field}.fieldPath`, ref.fieldPath, `error converting fieldPath: field label not supported: ${ref.fieldPath}`)
  } else if (!supported.includes(ref.fieldPath)) yield notSupported(`${field}.fieldPath`, ref.fieldPath, supported)
}

function* divisor(field: string, { resource, divisor: text }: ResourceFieldSelector): Findings {
  const amount = quantityOf(text)
  if (!amount || amount.isZero()) return
  const wrong = (values: string, of: string) => invalid(`${field}.divisor`, resource, `only divisor's values ${values} are supported with the ${of} resource`)
  const name = resource.slice(resource.indexOf('.') + 1)
  if (name === 'cpu') {
    if (!['1m', '1'].includes(amount.toString())) yield wrong('1m and 1', 'cpu')
  } else if (!byteDivisors.includes(amount.toString())) {
    yield wrong(byteDivisors.join(', '), name === 'memory' ? 'memory' : name === 'ephemeral-storage' ? 'local ephemeral storage' : 'hugepages')
  }
}

/** `named`: the container must be named, as in volumes. */
export function* resourceFieldRef(field: string, ref: ResourceFieldSelector, { named }: { named: boolean }): Findings {
  if (named && !ref.containerName) yield required(`${field}.containerName`)
  else if (!ref.resource) yield required(`${field}.resource`)
  else if (!resources.includes(ref.resource) && !isHugePages(ref.resource.replace(/^(requests|limits)\./, ''))) {
    yield notSupported(`${field}.resource`, ref.resource, resources)
  }
  if (ref.resource) yield* divisor(field, ref)
}
