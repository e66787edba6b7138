// The frame of device requests and slices (source: pkg/apis/resource/validation); expressions are checked where they are evaluated.
import { duplicate, invalid, required, tooMany } from '../../field-error.ts'
import type {
  DeviceClass, DeviceRequest, DeviceSelector, ResourceClaimSpec, ResourceClaimTemplate, ResourceSlice, ResourceV1ResourceClaim,
} from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../names.ts'
import { nodeSelector } from '../common/pod-spec/validation/affinity.ts'
import { templateMetadata } from '../common/validation/claims.ts'
import { checked, driverName, type Findings, immutable, listed, oneOf, requiredAnd } from '../common/validation/findings.ts'

const mostRequests = 32

function* selectors(field: string, all: readonly DeviceSelector[] = []): Findings {
  if (all.length > 32) yield tooMany(field, all.length, 32)
  for (const [index, { cel }] of all.entries()) if (!cel?.expression) yield required(`${field}[${index}].cel`)
}

function* deviceRequest(field: string, { name, exactly, firstAvailable = [] }: DeviceRequest): Findings {
  yield* requiredAnd(`${field}.name`, name, isDnsLabel)
  if (!exactly && firstAvailable.length === 0) yield required(field, 'exactly one of `exactly` or `firstAvailable` is required')
  else if (exactly && firstAvailable.length > 0) {
    yield invalid(field, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set')
  } else if (exactly) {
    yield* requiredAnd(`${field}.exactly.deviceClassName`, exactly.deviceClassName, isDnsSubdomain)
    yield* selectors(`${field}.exactly.selectors`, exactly.selectors)
    yield* oneOf(`${field}.exactly.allocationMode`, exactly.allocationMode, ['All', 'ExactCount'])
  }
  for (const [index, own] of firstAvailable.entries()) {
    yield* requiredAnd(`${field}.firstAvailable[${index}].name`, own.name, isDnsLabel)
    yield* requiredAnd(`${field}.firstAvailable[${index}].deviceClassName`, own.deviceClassName, isDnsSubdomain)
  }
}

function* claim(field: string, spec: ResourceClaimSpec | undefined): Findings {
  const requests = spec?.devices?.requests ?? []
  if (requests.length > mostRequests) yield tooMany(`${field}.devices.requests`, requests.length, mostRequests)
  for (const [index, own] of requests.entries()) {
    yield* deviceRequest(`${field}.devices.requests[${index}]`, own)
    if (requests.findIndex((r) => r.name === own.name) < index) yield duplicate(`${field}.devices.requests[${index}]`, own.name)
  }
}

export const validateResourceClaim = listed(({ spec }: ResourceV1ResourceClaim) => claim('spec', spec))

export const validateResourceClaimUpdate = listed(function* (draft: ResourceV1ResourceClaim, current: ResourceV1ResourceClaim): Findings {
  yield* immutable('spec', draft.spec, current.spec)
})

export const validateResourceClaimTemplate = listed(function* ({ spec }: ResourceClaimTemplate): Findings {
  yield* templateMetadata('spec.metadata', spec?.metadata)
  yield* claim('spec.spec', spec?.spec)
})

export const validateResourceClaimTemplateUpdate = listed(function* (draft: ResourceClaimTemplate, current: ResourceClaimTemplate): Findings {
  yield* immutable('spec', draft.spec, current.spec)
})

export const validateDeviceClass = listed(function* ({ spec }: DeviceClass): Findings {
  yield* selectors('spec.selectors', spec?.selectors)
})

export const validateResourceSlice = listed(function* ({ spec }: ResourceSlice): Findings {
  yield* driverName('spec.driver', spec?.driver)
  yield* requiredAnd('spec.pool.name', spec?.pool?.name, isDnsSubdomain)
  if (spec?.nodeName) yield* checked('spec.nodeName', spec.nodeName, isDnsSubdomain)
  if (spec?.nodeSelector) yield* nodeSelector('spec.nodeSelector', spec.nodeSelector)
  const placements = (['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const).filter((name) => spec?.[name])
  const which = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  if (placements.length === 0) yield required('spec', which)
  if (placements.length > 1) yield invalid('spec', `{${placements.map((name) => `\`${name}\``).join(', ')}}`, `${which}, but multiple fields are set`)
})

export const validateResourceSliceUpdate = listed(function* (draft: ResourceSlice, current: ResourceSlice): Findings {
  yield* immutable('spec.pool.name', draft.spec?.pool?.name, current.spec?.pool?.name)
  yield* immutable('spec.driver', draft.spec?.driver, current.spec?.driver)
  yield* immutable('spec.nodeName', draft.spec?.nodeName, current.spec?.nodeName)
})
