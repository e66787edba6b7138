// How a kind is declared. Routes, discovery, OpenAPI, pruning, storage keys, RBAC names and the generic CRUD test derive from this.
// Hooks are pure: they may change the draft they are given, and nothing else; time and identity come in the context.
import type { FieldError } from './field-error.ts'
import type { KubeObject } from './object.ts'
import type { UserInfo } from './user.ts'

export interface HookContext {
  /** RFC 3339, whole seconds. */
  readonly now: string
  readonly user: UserInfo
  /** Tells the caller something beside the answer. */
  warn(text: string): void
}

export interface TableColumn<T> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  /** 0 is shown always, 1 and more with `-o wide`. */
  priority?: number
  description?: string
  /** `now` in milliseconds. Dates are shown as ages ("5m"), as upstream prints them on the server. */
  cell(object: T, now: number): string | number | boolean | null
}

/** A subresource that writes a part of the object itself: `status`, `finalize`, `approval`, `ephemeralcontainers`, `resize`. */
export interface WriteSubresource<T> {
  /** Paths such as `metadata.labels` that it puts back and that nobody comes to own by it; `status` puts back `spec` unless this says otherwise. */
  resetFields?: readonly string[]
  /** Makes of `draft` an object that differs from `current` only where this subresource may write. */
  prepareForUpdate(draft: T, current: T, context: HookContext): void
  validateUpdate?(draft: T, current: T): FieldError[]
}

export interface ScaleSubresource {
  /** As in `.spec.replicas`. */
  specReplicasPath: string
  statusReplicasPath: string
  /** A label selector as a string, from the object. */
  selector(object: KubeObject): string
}

export interface ServedVersion<T extends KubeObject = KubeObject> {
  name: string
  /** Name of the definition in upstream's OpenAPI document: `io.k8s.api.apps.v1.Deployment`. */
  schema: string
  /** For a version that is not the storage version; pure, on fresh objects, without `apiVersion` (the caller sets it). */
  toStorage?(object: KubeObject): T
  fromStorage?(object: T): KubeObject
  /** The warning that answers every request to this version, as "v1 Endpoints is deprecated in v1.33+". */
  deprecated?: string
}

/** A method's parameter type, so that definitions of single kinds fit into one list. */
type FieldReader<T> = { read(object: T): string }['read']

export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  group: string
  kind: string
  plural: string
  singular: string
  shortNames?: readonly string[]
  /** As `all`. */
  categories?: readonly string[]
  namespaced: boolean
  /** Preferred version first. */
  versions: readonly ServedVersion<T>[]
  /** Name of the version in which objects are stored and all hooks work. */
  storageVersion: string
  /** Objects are those of another definition (`events.k8s.io` serves core events): its storage, its `storageVersion`; hooks work on that shape. */
  storedAs?: { group: string; plural: string }
  /** Verbs other than the full set (`create delete deletecollection get list patch update watch`), for resources such as reviews. */
  verbs?: readonly string[]
  /** Static defaults come from the schema tables; this adds those that depend on other fields. Idempotent. */
  defaults?(draft: T): void
  prepareForCreate?(draft: T, context: HookContext): void
  /** Also decides whether `metadata.generation` rises: it does when `spec` changed, unless `generation` says otherwise. */
  prepareForUpdate?(draft: T, current: T, context: HookContext): void
  /** Of every object that is written; on an update together with `validateUpdate`. */
  validate?(object: T): FieldError[]
  /** What only a new object must fulfil. */
  validateCreate?(draft: T): FieldError[]
  validateUpdate?(draft: T, current: T): FieldError[]
  /** What to tell the caller of an object that is accepted; not asked of writes to subresources. `current` is there on an update. */
  warnings?(draft: T, current?: T): string[]
  /** As of `WriteSubresource`, for writes of the object itself; they put back `status` unless this says otherwise. */
  resetFields?: readonly string[]
  /** What must be set to make `metadata.generation` meaningful: `spec` (default), all fields but metadata, or none kept. */
  generation?: 'spec' | 'all' | 'none'
  /** How `metadata.name` is checked; default `dns-subdomain`. `path-segment` allows what a URL can carry (RBAC names). */
  nameFormat?: 'dns-subdomain' | 'dns-label' | 'dns-1035-label' | 'path-segment'
  /** An update may carry no resourceVersion and wins then; default true, as for most kinds. */
  allowUnconditionalUpdate?: boolean
  /** PUT to a name that does not exist creates it (Lease, Endpoints, Event, Node-like kinds). */
  allowCreateOnUpdate?: boolean
  /** Default of `propagationPolicy`: most are `background`; ReplicationController's and old Jobs' is `orphan`. */
  defaultPropagation?: 'Background' | 'Orphan'
  /** Grace in seconds that a deletion gets, given what the caller asked for (`undefined`: nothing): `pods` only. Without the hook objects go at once. */
  graceSeconds?(object: T, requested?: number): number
  subresources?: Readonly<Record<string, WriteSubresource<T>>>
  scale?: ScaleSubresource
  /** Beyond `metadata.name` and `metadata.namespace`. */
  selectableFields?: Readonly<Record<string, FieldReader<T>>>
  columns: readonly TableColumn<T>[]
  /** Seconds after which an object is removed, and whether its writes may be lost (`Event`, see Storage's lazy writes). */
  timeToLiveSeconds?: number
  lazy?(draft: T, current: T | undefined): boolean
  /** The kind is only kept, nothing acts on it yet: the text of the `Warning` header that answers a write; receives the draft. */
  storedOnly?(draft: T): string | undefined
  /** `deleteCollection`-like differences, discovery's `singularName` etc. need no field here: derive them. */
}

export const defineResource = <T extends KubeObject>(definition: ResourceDefinition<T>): ResourceDefinition<T> => definition

/** A kind as clients name it. The type parameter is the shape of its objects. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set; carries the type. */
  readonly of?: T
}
