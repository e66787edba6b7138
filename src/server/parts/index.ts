import type { Call } from '../call.ts'
import { binding } from './binding.ts'
import { eviction } from './eviction.ts'
import type { Part } from './part.ts'
import { scalePart } from './scale.ts'

export const ownParts: ReadonlyMap<string, Part> = new Map([['bindings', binding], ['pods/binding', binding], ['pods/eviction', eviction]])

export function ownPart({ info, resource }: Call): Part | undefined {
  if (info.subresource === 'scale' && resource.definition.scale) return scalePart
  if (info.group !== '') return undefined
  return ownParts.get(info.subresource ? `${info.resource}/${info.subresource}` : info.resource)
}
