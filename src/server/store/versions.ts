// Between the version a client speaks and the one that is stored.
import type { KubeObject } from '../../api/object.ts'
import { canonical, schemas, type StructSchema } from '../../api/schema/index.ts'
import type { ServedResource } from '../registry.ts'

/** Takes `object` over. */
export function toStorage(resource: ServedResource, object: KubeObject): KubeObject {
  const stored = resource.version.toStorage && !resource.isStorageVersion ? resource.version.toStorage(object) : object
  stored.kind = resource.definition.kind
  stored.apiVersion = resource.storageApiVersion
  return stored
}

/** Takes `object` over, unless it is in the storage version: then it is returned as it is. */
export function toServed(resource: ServedResource, object: KubeObject): KubeObject {
  if (resource.isStorageVersion) return object
  const served = resource.version.fromStorage ? resource.version.fromStorage(object) : object
  served.kind = resource.definition.kind
  served.apiVersion = resource.apiVersion
  return served
}

const storageSchemas = new WeakMap<ServedResource, StructSchema>()

/** As it is stored: fields in order, nothing that is empty. So a write that changes nothing has the bytes that are there. */
export function canonicalStored(resource: ServedResource, object: KubeObject): KubeObject {
  let schema = storageSchemas.get(resource)
  if (!schema) {
    const { definition } = resource
    const stored = definition.versions.find((v) => v.name === definition.storageVersion)
    schema = definition.storedAs ? schemas.ofKind(resource.storageApiVersion, definition.kind)! : schemas.definition(stored!.schema)
    storageSchemas.set(resource, schema)
  }
  return canonical(schema, object)
}
