// Answers of `meta.k8s.io`: tables as kubectl prints them, and objects reduced to their metadata.
import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { badRequestError } from '../../api/status-error.ts'
import type { OutputType } from '../request/negotiate.ts'

type IncludeObject = 'Metadata' | 'Object' | 'None'

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const text = query.get('includeObject') || 'Metadata'
  if (text !== 'Metadata' && text !== 'Object' && text !== 'None') {
    throw badRequestError(`Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`)
  }
  return text
}

export const metaVersion = (output: OutputType): string => `meta.k8s.io/${output.asVersion ?? 'v1'}`

export const columnDefinitions = (definition: ResourceDefinition) =>
  definition.columns.map(({ name, type, format, priority, description }) => ({ name, type, format: format ?? '', description: description ?? '', priority: priority ?? 0 }))

interface RowOptions {
  definition: ResourceDefinition
  output: OutputType
  include: IncludeObject
  now: number
  /** Makes the served version of a stored object. */
  serve(object: KubeObject): KubeObject
}

/** @param object in the storage version, which is what columns read. */
export function tableRow(object: KubeObject, { definition, output, include, now, serve }: RowOptions) {
  const cells = definition.columns.map((column) => column.cell(object, now))
  if (include === 'None') return { cells, object: null }
  return { cells, object: include === 'Object' ? serve(object) : partialObject(object, output) }
}

export const partialObject = (object: KubeObject, output: OutputType) => ({ kind: 'PartialObjectMetadata', apiVersion: metaVersion(output), metadata: object.metadata })

export function table(definition: ResourceDefinition, output: OutputType, content: { metadata: object; rows: unknown[]; columns: boolean }) {
  return {
    kind: 'Table', apiVersion: metaVersion(output), metadata: content.metadata,
    columnDefinitions: content.columns ? columnDefinitions(definition) : [], rows: content.rows,
  }
}
