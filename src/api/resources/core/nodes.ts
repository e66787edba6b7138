import type { Node } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { keepSpec, keepStatus, v1 } from '../common/strategy.ts'
import { validateNode, validateNodeStatus, validateNodeUpdate } from './cluster-validation.ts'
import { nodeWarnings } from './warnings.ts'

const rolePrefix = 'node-role.kubernetes.io/'

function status(node: Node): string {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready')
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown']
  if (node.spec?.unschedulable) words.push('SchedulingDisabled')
  return words.join(',')
}

function roles(node: Node): string {
  const found = new Set<string>()
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(rolePrefix)) found.add(key.slice(rolePrefix.length))
    else if (key === 'kubernetes.io/role') found.add(value)
  }
  found.delete('')
  return [...found].sort().join(',') || '<none>'
}

const address = (type: string) => (node: Node) => node.status?.addresses?.find((a) => a.type === type)?.address ?? '<none>'

function kernel({ status }: Node): string {
  const info = status?.nodeInfo
  return (info?.kernelVersion || '<unknown>') + (info?.architecture ? ` (${info.architecture})` : '')
}

export const nodes = defineResource<Node>({
  group: '', kind: 'Node', plural: 'nodes', singular: 'node', shortNames: ['no'], namespaced: false,
  ...v1('core', 'Node'),
  generation: 'none',
  defaults({ spec, status }) {
    // the one address range of old and the list of today say the same; where they differ the one holds
    if (spec?.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR]
    else if (spec?.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0]
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  prepareForUpdate: keepStatus,
  subresources: { status: { prepareForUpdate: keepSpec, validateUpdate: validateNodeStatus } },
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  validate: validateNode,
  warnings: nodeWarnings,
  validateUpdate: validateNodeUpdate,
  columns: [
    nameColumn,
    text('Status', status),
    text('Roles', roles),
    ageColumn,
    text('Version', (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
    wide(text('Internal-IP', address('InternalIP'))),
    wide(text('External-IP', address('ExternalIP'))),
    wide(text('OS-Image', (node) => node.status?.nodeInfo?.osImage || '<unknown>')),
    wide(text('Kernel-Version', kernel)),
    wide(text('Container-Runtime', (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>')),
  ],
})
