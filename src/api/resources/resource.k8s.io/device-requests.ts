// Defaults of device requests, in claims and claim templates alike.
import type { ResourceClaimSpec } from '../../generated/types.ts'

interface Countable {
  allocationMode?: string
  count?: number
  tolerations?: { operator?: string }[]
}

function defaultRequest(request: Countable): void {
  request.allocationMode ||= 'ExactCount'
  if (request.allocationMode === 'ExactCount' && !request.count) request.count = 1
  for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal'
}

export function defaultClaimSpec(spec: ResourceClaimSpec | undefined): void {
  for (const request of spec?.devices?.requests ?? []) {
    if (request.exactly) defaultRequest(request.exactly)
    for (const alternative of request.firstAvailable ?? []) defaultRequest(alternative)
  }
}
