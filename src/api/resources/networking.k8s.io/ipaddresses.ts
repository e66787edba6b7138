import type { IPAddress } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateIpAddress, validateIpAddressUpdate } from './validation.ts'

function parent({ spec }: IPAddress): string {
  const { group, resource, namespace, name } = spec.parentRef
  return [(group ? `${resource}.${group}` : resource).toLowerCase(), namespace, name].filter(Boolean).join('/')
}

export const ipaddresses = defineResource<IPAddress>({
  group: 'networking.k8s.io', kind: 'IPAddress', plural: 'ipaddresses', singular: 'ipaddress', shortNames: ['ip'], namespaced: false,
  ...v1('networking', 'IPAddress'),
  generation: 'none',
  nameFormat: 'path-segment',
  validate: validateIpAddress,
  validateUpdate: validateIpAddressUpdate,
  storedOnly: () => 'IPAddress is only stored yet: it reserves no address',
  columns: [nameColumn, text('ParentRef', parent)],
})
