import type { Call } from '../call.ts'
import { binding } from './binding.ts'
import { eviction } from './eviction.ts'
import type { OwnSubresource } from './own-subresource.ts'
import { scale } from './scale.ts'

export const ownSubresources: ReadonlyMap<string, OwnSubresource> = new Map([['bindings', binding], ['pods/binding', binding], ['pods/eviction', eviction]])

export function ownSubresource({ info, resource }: Call): OwnSubresource | undefined {
  if (info.subresource === 'scale' && resource.definition.scale) return scale
  if (info.group !== '') return undefined
  return ownSubresources.get(info.subresource ? `${info.resource}/${info.subresource}` : info.resource)
}
