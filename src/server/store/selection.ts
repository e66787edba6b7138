// Label and field selectors as a question to the cache's resident index; objects are not parsed for it.
import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import type { FieldSelector, LabelSelector } from '../../api/selector.ts'
import { badRequestError } from '../../api/status-error.ts'
import type { Entry, EntryIndex, Selection } from '../cache/types.ts'
import type { ServedResource } from '../registry.ts'

/** @throws StatusError 400 for a field that cannot be selected on. */
export function selectionOf(resource: ServedResource, labels: LabelSelector | undefined, fields: FieldSelector | undefined): Selection | undefined {
  const byLabels = labels && !labels.empty ? (entry: Entry) => labels.matches(entry.index.labels) : undefined
  const byFields = fields && fields.terms.length > 0 ? fieldSelection(resource, fields) : undefined
  return byLabels && byFields ? (entry) => byLabels(entry) && byFields(entry) : (byLabels ?? byFields)
}

function fieldSelection(resource: ServedResource, fields: FieldSelector): Selection {
  const { definition } = resource
  for (const { field } of fields.terms) checkField(definition, field)
  return (entry) => fields.matches((field) => readField(resource, entry, field))
}

function checkField({ selectableFields }: ResourceDefinition, field: string): void {
  if (field === 'metadata.name' || field === 'metadata.namespace' || (selectableFields && Object.hasOwn(selectableFields, field))) return
  if (selectableFields) throw badRequestError(`field label not supported: ${field}`)
  throw badRequestError(`${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`)
}

function readField({ definition, keyPrefix }: ServedResource, entry: Entry, field: string): string {
  if (field === 'metadata.name' || field === 'metadata.namespace') {
    const rest = entry.key.slice(keyPrefix.length)
    const slash = rest.indexOf('/')
    return field === 'metadata.name' ? rest.slice(slash + 1) : rest.slice(0, Math.max(slash, 0))
  }
  if (!definition.storedAs) return entry.index.fields?.[field] ?? ''
  return definition.selectableFields![field]!(entry.object())
}

/** The resident index of an object, for the collection that `definition` stores. */
export function indexOf(definition: ResourceDefinition, object: KubeObject): EntryIndex {
  const { metadata } = object
  const { spec, status } = object as { spec?: { nodeName?: string }; status?: { phase?: string } }
  let fields: Record<string, string> | undefined
  for (const name in definition.selectableFields) (fields ??= {})[name] = definition.selectableFields[name]!(object)
  return {
    uid: metadata?.uid, labels: metadata?.labels, ownerUids: metadata?.ownerReferences?.map((o) => o.uid), nodeName: spec?.nodeName, phase: status?.phase, fields,
  }
}
