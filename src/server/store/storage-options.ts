import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import type { WriteOptions } from '../../storage/storage.ts'

export function storageOptions(definition: ResourceDefinition, draft: KubeObject, current: KubeObject | undefined): WriteOptions | undefined {
  const lazy = definition.lazy?.(draft, current) ?? false
  const { timeToLiveSeconds } = definition
  return lazy || timeToLiveSeconds !== undefined ? { lazy, timeToLiveSeconds } : undefined
}
