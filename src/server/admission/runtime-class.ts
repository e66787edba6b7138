// Gives a pod the overhead and placement of its runtime class (source: plugin/pkg/admission/runtimeclass).
import type { Pod, RuntimeClass, Toleration } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { runtimeclasses } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { draftOf, forbid, matches } from './requests.ts'

type Amounts = Readonly<Record<string, string>>

export function createRuntimeClass(reader: ObjectReader): AdmissionPlugin {
  const classOf = (request: AdmissionRequest): Stored<RuntimeClass> | undefined => {
    const name = draftOf<Pod>(request).spec?.runtimeClassName
    if (name === undefined) return undefined
    const found = reader.get(runtimeclasses, name)
    if (!found) throw forbid(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
    return found
  }
  const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
  return {
    name: 'RuntimeClass',
    handles: (request) => matches(request, { resource: 'pods', operations: ['CREATE'] }),
    mutate(request) {
      const { spec } = draftOf<Pod>(request)
      const found = classOf(request)
      if (!found || !spec) return
      if (found.overhead) {
        const podFixed = found.overhead.podFixed ?? {}
        if (Object.keys(spec.overhead ?? {}).length && !sameAmounts(podFixed, spec.overhead!)) throw forbid(request, mismatch)
        spec.overhead = { ...podFixed }
      }
      if (found.scheduling) applyScheduling(request, spec, found.scheduling)
    },
    validate(request) {
      const overhead = draftOf<Pod>(request).spec?.overhead
      const wanted = classOf(request)?.overhead
      if (wanted && !sameAmounts(wanted.podFixed ?? {}, overhead ?? {})) throw forbid(request, mismatch)
      if (!wanted && overhead) throw forbid(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    },
  }
}

const sameAmounts = (a: Amounts, b: Amounts) =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(([name, amount]) => b[name] !== undefined && parseQuantity(amount).compare(parseQuantity(b[name])) === 0)

function applyScheduling(request: AdmissionRequest, spec: NonNullable<Pod['spec']>, scheduling: NonNullable<RuntimeClass['scheduling']>): void {
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value) {
      throw forbid(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`)
    }
  }
  if (scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector }
  if (scheduling.tolerations) spec.tolerations = mergeTolerations([...(spec.tolerations ?? []), ...scheduling.tolerations])
}

/** Leaves out what another toleration covers; of equal ones the first stays. */
function mergeTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = []
  all.forEach((one, index) => {
    if (merged.some((other) => covers(other, one))) return
    if (all.slice(index + 1).some((later) => covers(later, one) && !covers(one, later))) return
    merged.push(one)
  })
  return merged
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (wide.key !== narrow.key && !(!wide.key && wide.operator === 'Exists')) return false
  if (wide.effect && wide.effect !== narrow.effect) return false
  if (wide.effect === 'NoExecute' && (narrow.tolerationSeconds ?? Infinity) > (wide.tolerationSeconds ?? Infinity)) return false
  if (wide.operator === 'Exists') return true
  return (wide.operator ?? 'Equal') === 'Equal' && (narrow.operator ?? 'Equal') === 'Equal' && (narrow.value ?? '') === (wide.value ?? '')
}
