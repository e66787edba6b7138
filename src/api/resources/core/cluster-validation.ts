// Namespaces and nodes.
import { duplicate, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { Namespace, Node, Taint } from '../../generated/types.ts'
import { isLabelValue, isQualifiedName } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { taintEffects } from '../common/pod-spec/validation/spec.ts'
import { type Findings, listed, messages, qualifiedName } from '../common/validation/findings.ts'
import { legacyCidr } from '../common/validation/ip.ts'
import { resourceAmount } from '../common/validation/resource-names.ts'

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion']

function* finalizer(field: string, name: string): Findings {
  yield* messages(field, name, isQualifiedName(name))
  if (!name.includes('/') && !standardFinalizers.includes(name)) {
    yield invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified')
  }
}

export const validateNamespace = listed(function* ({ spec }: Namespace): Findings {
  for (const name of spec?.finalizers ?? []) yield* finalizer('spec.finalizers', name)
})

export const validateNamespaceStatus = listed(function* ({ metadata, status }: Namespace): Findings {
  const phase = status?.phase ?? ''
  if (!metadata?.deletionTimestamp && phase !== 'Active') yield invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")
  if (metadata?.deletionTimestamp && phase !== 'Terminating') {
    yield invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")
  }
})

function* taints(field: string, all: readonly Taint[] | undefined): Findings {
  for (const [index, taint] of (all ?? []).entries()) {
    const at = `${field}[${index}]`
    yield* qualifiedName(`${at}.key`, taint.key)
    const wrong = isLabelValue(taint.value ?? '')
    if (wrong.length > 0) yield invalid(`${at}.value`, taint.value, wrong.join(';'))
    if (!taint.effect) yield required(`${at}.effect`)
    else if (!taintEffects.includes(taint.effect)) yield notSupported(`${at}.effect`, taint.effect, taintEffects)
    if (all?.slice(0, index).some((other) => other.key === taint.key && other.effect === taint.effect)) {
      const error = duplicate(at, taint)
      yield { ...error, message: `${error.message}: taints must be unique by key and effect pair` }
    }
  }
}

export const validateNode = listed(function* ({ spec, status }: Node): Findings {
  yield* taints('metadata.taints', spec?.taints)
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, text] of Object.entries(status?.[list] ?? {})) yield* resourceAmount(`status.${list}.${name}`, name, text)
  }
  for (const [index, cidr] of (spec?.podCIDRs ?? []).entries()) yield* legacyCidr(`spec.podCIDRs[${index}]`, cidr)
})

export const validateNodeUpdate = listed(function* (draft: Node, current: Node): Findings {
  const [after, before] = [draft.spec ?? {}, current.spec ?? {}]
  if (before.podCIDRs?.length && !equal(after.podCIDRs, before.podCIDRs)) {
    yield forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  }
  if (before.providerID && after.providerID !== before.providerID) {
    yield forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')
  }
})

export const validateNodeStatus = listed(function* ({ status }: Node): Findings {
  const addresses = status?.addresses ?? []
  for (const [index, address] of addresses.entries()) {
    if (addresses.slice(0, index).some((other) => equal(other, address))) yield duplicate(`status.addresses[${index}]`, address)
  }
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, text] of Object.entries(status?.[list] ?? {})) yield* resourceAmount(`status.${list}.${name}`, name, text)
  }
})
