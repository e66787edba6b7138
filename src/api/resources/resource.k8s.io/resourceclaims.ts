import type { ResourceV1ResourceClaim } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validateResourceClaim, validateResourceClaimUpdate } from './validation.ts'
import { defaultClaimSpec } from './device-requests.ts'

function state({ metadata, status }: ResourceV1ResourceClaim): string {
  const deleted = metadata?.deletionTimestamp !== undefined
  const allocation = status?.allocation ? ['allocated', ...(status.reservedFor?.length ? ['reserved'] : [])] : deleted ? [] : ['pending']
  return [...(deleted ? ['deleted'] : []), ...allocation].join(',')
}

export const resourceclaims = defineResource<ResourceV1ResourceClaim>({
  group: 'resource.k8s.io', kind: 'ResourceClaim', plural: 'resourceclaims', singular: 'resourceclaim', namespaced: true,
  ...v1('resource', 'ResourceClaim'),
  generation: 'none',
  defaults: (draft) => defaultClaimSpec(draft.spec),
  ...statusHooks<ResourceV1ResourceClaim>(() => ({})),
  subresources: { status: statusOnly() },
  validate: validateResourceClaim,
  validateUpdate: validateResourceClaimUpdate,
  storedOnly: () => 'ResourceClaim is only stored yet: devices are not allocated',
  columns: [nameColumn, text('State', state), ageColumn],
})
