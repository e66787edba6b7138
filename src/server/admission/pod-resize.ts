// A running pod grows only to what its node can give (source: plugin/pkg/admission/podresize, KEP-1287).
import type { Node, Pod } from '../../api/generated/types.ts'
import { parseAmounts, podTotal } from '../../api/pod-resources.ts'
import { nodes } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { currentOf, draftOf, forbid, matches } from './requests.ts'

export const createPodResize = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PodResizeValidator',
  handles: (request) => matches(request, { resource: 'pods', operations: ['UPDATE'], subresources: ['resize'] }),
  validate(request) {
    const pod = draftOf<Pod>(request)
    const name = pod.spec?.nodeName
    if (!name || pod.metadata?.generation === currentOf<Pod>(request).metadata?.generation) return
    const node = reader.get(nodes, name)
    if (!node) throw forbid(request, `node ${JSON.stringify(name)} not found`)
    const system = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux'
    if (system !== 'linux') throw refuse(request, 'UnsupportedPlatform', `pod resize is only supported on linux nodes, node ${JSON.stringify(name)} is ${JSON.stringify(system)}`)
    const lacking = missingCapacity(pod, node)
    if (lacking) throw refuse(request, 'NodeCapacity', `node didn't have enough allocatable resources: ${lacking}`)
  },
})

function missingCapacity(pod: Pod, { status }: Node): string {
  const requested = podTotal(pod, 'requests')
  const allocatable = parseAmounts(status?.allocatable)
  return (['cpu', 'memory'] as const).flatMap((name) => {
    const [wanted, given] = [requested.get(name), allocatable.get(name)]
    if (!wanted || (given && wanted.compare(given) <= 0)) return []
    const shown = (amount: typeof wanted | undefined) => (amount === undefined ? 0 : name === 'cpu' ? amount.milliValue() : amount.value())
    return [`${name}, requested: ${shown(wanted)}, allocatable: ${shown(given)}`]
  }).join('; ')
}

function refuse(request: AdmissionRequest, reason: string, why: string) {
  const error = forbid(request, why)
  error.status.details = { ...error.status.details, causes: [{ reason }] }
  return error
}
