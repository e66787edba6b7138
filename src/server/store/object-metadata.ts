// `metadata` as the server keeps it (sources: k8s.io/apiserver/pkg/registry/rest `BeforeCreate`, `BeforeUpdate`;
// k8s.io/apimachinery/pkg/api/validation `ValidateObjectMeta`).
import type { ObjectMeta, OwnerReference } from '../../api/generated/types.ts'
import { forbidden, invalid, required, tooLong, type FieldError } from '../../api/field-error.ts'
import { isDnsLabel, isDnsSubdomain, isDns1035Label, isLabelValue, isQualifiedName, isPathSegmentName } from '../../api/names.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { badRequestError } from '../../api/status-error.ts'

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789'
const maxGeneratedBase = 58

/** Source: k8s.io/apiserver/pkg/storage/names: 58 characters of the base, then five of letters that spell no words. */
export function generateName(base: string, random: (bound: number) => number): string {
  let name = base.slice(0, maxGeneratedBase)
  for (let i = 0; i < 5; i++) name += suffixLetters[random(suffixLetters.length)]
  return name
}

/** The namespace of the request goes into the object; a different one there is refused. */
export function settleNamespace(definition: ResourceDefinition, metadata: ObjectMeta, namespace: string): void {
  if (!definition.namespaced) delete metadata.namespace
  else if (!metadata.namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace) {
    throw badRequestError(`the namespace of the provided object does not match the namespace sent on the request`)
  }
}

/** What a client may not say when it creates an object. */
export function wipeSystemFields(metadata: ObjectMeta): void {
  delete metadata.uid
  delete metadata.creationTimestamp
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.resourceVersion
  delete metadata.generation
}

/** What an update may never change. */
export function keepSystemFields(draft: ObjectMeta, current: ObjectMeta): void {
  draft.uid ||= current.uid
  draft.creationTimestamp = current.creationTimestamp
  if (current.deletionTimestamp) draft.deletionTimestamp = current.deletionTimestamp
  if (current.deletionGracePeriodSeconds !== undefined && draft.deletionGracePeriodSeconds === undefined) draft.deletionGracePeriodSeconds = current.deletionGracePeriodSeconds
  delete draft.selfLink
}

/** Removes second mentions of an owner. @returns the uids of those that were mentioned again. */
export function deduplicateOwners(metadata: ObjectMeta): string[] {
  const owners = metadata.ownerReferences
  if (!owners || owners.length < 2) return []
  const seen = new Set<string>()
  const again = new Set<string>()
  const kept = owners.filter((o) => {
    const text = JSON.stringify([o.apiVersion, o.kind, o.name, o.uid, o.controller, o.blockOwnerDeletion])
    if (seen.has(text)) again.add(o.uid)
    return !seen.has(text) && seen.add(text)
  })
  if (again.size > 0) metadata.ownerReferences = kept
  return [...again]
}

const nameRules = { 'dns-subdomain': isDnsSubdomain, 'dns-label': isDnsLabel, 'dns-1035-label': isDns1035Label, 'path-segment': isPathSegmentName }
const maxAnnotationBytes = 256 * 1024

export function validateMetadata(definition: ResourceDefinition, metadata: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  const rule = nameRules[definition.nameFormat ?? 'dns-subdomain']
  if (metadata.generateName) {
    const base = metadata.generateName.replace(/-$/, '')
    for (const message of definition.nameFormat === 'path-segment' ? rule(metadata.generateName) : rule(base.length ? base : 'a')) {
      errors.push(invalid('metadata.generateName', metadata.generateName, message))
    }
  }
  if (!metadata.name) errors.push(required('metadata.name', 'name or generateName is required'))
  else for (const message of rule(metadata.name)) errors.push(invalid('metadata.name', metadata.name, message))
  if (definition.namespaced) {
    if (!metadata.namespace) errors.push(required('metadata.namespace'))
    else for (const message of isDnsLabel(metadata.namespace)) errors.push(invalid('metadata.namespace', metadata.namespace, message))
  }
  if ((metadata.generation ?? 0) < 0) errors.push(invalid('metadata.generation', metadata.generation, 'must be greater than or equal to 0'))
  validateLabels(metadata.labels, errors)
  validateAnnotations(metadata.annotations, errors)
  validateOwners(metadata.ownerReferences, errors)
  validateFinalizers(metadata.finalizers, errors)
  return errors
}

function validateLabels(labels: Record<string, string> | undefined, errors: FieldError[]): void {
  for (const key in labels) {
    for (const message of isQualifiedName(key)) errors.push(invalid('metadata.labels', key, message))
    for (const message of isLabelValue(labels[key]!)) errors.push(invalid('metadata.labels', labels[key], message))
  }
}

function validateAnnotations(annotations: Record<string, string> | undefined, errors: FieldError[]): void {
  let size = 0
  for (const key in annotations) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalid('metadata.annotations', key, message))
    size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key]!)
  }
  if (size > maxAnnotationBytes) errors.push(tooLong('metadata.annotations', maxAnnotationBytes))
}

function validateOwners(owners: OwnerReference[] | undefined, errors: FieldError[]): void {
  let controller: OwnerReference | undefined
  const at = 'metadata.ownerReferences'
  owners?.forEach((owner) => {
    if (!owner.apiVersion) errors.push(invalid(`${at}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'))
    if (!owner.kind) errors.push(invalid(`${at}.kind`, owner.kind ?? '', 'must not be empty'))
    if (!owner.name) errors.push(invalid(`${at}.name`, owner.name ?? '', 'must not be empty'))
    if (!owner.uid) errors.push(invalid(`${at}.uid`, owner.uid ?? '', 'must not be empty'))
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') errors.push(invalid(at, owner, `${owner.apiVersion}, Kind=${owner.kind} is disallowed from being an owner`))
    if (!owner.controller) return
    if (controller) {
      errors.push(invalid('metadata.ownerReferences', owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`))
    }
    controller = owner
  })
}

const plainFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])

function validateFinalizers(finalizers: string[] | undefined, errors: FieldError[]): void {
  if (!finalizers) return
  finalizers.forEach((finalizer, index) => {
    for (const message of isQualifiedName(finalizer)) errors.push(invalid(`metadata.finalizers[${index}]`, finalizer, message))
    if (!finalizer.includes('/') && !plainFinalizers.has(finalizer)) {
      errors.push(invalid(`metadata.finalizers[${index}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
    }
  })
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
}

/** Source: `ValidateObjectMetaAccessorUpdate`. */
export function validateMetadataUpdate(draft: ObjectMeta, current: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  const immutable = (field: keyof ObjectMeta) => {
    if (draft[field] !== current[field]) errors.push(invalid(`metadata.${field}`, draft[field], 'field is immutable'))
  }
  if (current.deletionTimestamp) {
    const added = (draft.finalizers ?? []).filter((f) => !current.finalizers?.includes(f))
    if (added.length > 0) errors.push(forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added).replaceAll(',', ', ')}`))
  }
  immutable('name')
  immutable('namespace')
  immutable('uid')
  immutable('creationTimestamp')
  immutable('deletionTimestamp')
  immutable('deletionGracePeriodSeconds')
  return errors
}

export const metadataOf = (object: KubeObject): ObjectMeta => (object.metadata ??= {})
