// Turns a pod's priority class into its priority; keeps one default class (source: plugin/pkg/admission/priority).
import type { Pod, PriorityClass } from '../../api/generated/types.ts'
import { priorityclasses } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { currentOf, draftOf, forbid, matches } from './requests.ts'

export function createPriority(reader: ObjectReader): AdmissionPlugin {
  const defaultClass = () => reader.list(priorityclasses).filter(({ globalDefault }) => globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
  const classOf = (request: AdmissionRequest, name: string | undefined): { name: string; value: number; preemptionPolicy?: string } => {
    const named = name ? reader.get(priorityclasses, name) : defaultClass()
    if (name && !named) throw forbid(request, `no PriorityClass with name ${name} was found`)
    if (!named) return { name: '', value: 0, preemptionPolicy: 'PreemptLowerPriority' }
    return { name: named.metadata.name, value: named.value ?? 0, preemptionPolicy: named.preemptionPolicy }
  }
  return {
    name: 'Priority',
    handles: (request) => ['pods', 'priorityclasses.scheduling.k8s.io'].some((resource) => matches(request, { resource, operations: ['CREATE', 'UPDATE'] })),
    mutate(request) {
      const { spec } = draftOf<Pod>(request)
      if (request.definition.plural !== 'pods' || !spec) return
      if (request.operation === 'UPDATE') {
        const before = currentOf<Pod>(request).spec
        if (before?.priority !== undefined) spec.priority ??= before.priority
        if (before?.preemptionPolicy !== undefined) spec.preemptionPolicy ??= before.preemptionPolicy
        return
      }
      const found = classOf(request, spec.priorityClassName)
      if (found.name) spec.priorityClassName = found.name
      if (spec.priority !== undefined && spec.priority !== found.value) {
        throw computed(request, `integer value of priority (${spec.priority})`, found.value)
      }
      spec.priority = found.value
      if (!found.preemptionPolicy) return
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== found.preemptionPolicy) {
        throw computed(request, `string value of PreemptionPolicy (${spec.preemptionPolicy})`, found.preemptionPolicy)
      }
      spec.preemptionPolicy = found.preemptionPolicy
    },
    validate(request) {
      const draft = draftOf<PriorityClass>(request)
      if (request.definition.plural !== 'priorityclasses' || !draft.globalDefault) return
      const present = defaultClass()
      if (present && (request.operation === 'CREATE' || present.metadata.name !== draft.metadata?.name)) {
        throw forbid(request, `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`)
      }
    },
  }
}

const computed = (request: AdmissionRequest, given: string, right: string | number) =>
  forbid(request, `the ${given} must not be provided in pod spec; priority admission controller computed ${right} from the given PriorityClass name`)
