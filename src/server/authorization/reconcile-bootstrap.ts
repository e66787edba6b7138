// Adds at start what is missing of the bootstrap roles and bindings. What an administrator added stays; objects annotated
// `rbac.authorization.kubernetes.io/autoupdate: "false"` are left alone (source: k8s.io/component-helpers/auth/rbac/reconciliation).
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, RbacV1Subject as Subject } from '../../api/generated/types.ts'
import { objectKey } from '../../api/object.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { clusterrolebindings, clusterroles, rolebindings, roles } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'
import { bootstrapClusterRoleBindings, bootstrapClusterRoles, bootstrapRoleBindings, bootstrapRoles } from './bootstrap-objects.ts'
import { missingRules } from './rules.ts'

/** The namespaces kube-system and kube-public must be there. */
export async function reconcileBootstrapRbac(client: Client): Promise<void> {
  await reconcile(client, clusterroles, bootstrapClusterRoles(), completeRole)
  await reconcile(client, roles, bootstrapRoles(), completeRole)
  await reconcile(client, clusterrolebindings, bootstrapClusterRoleBindings(), completeBinding)
  await reconcile(client, rolebindings, bootstrapRoleBindings(), completeBinding)
}

/** @returns the object to write, or undefined when nothing is missing. */
type Complete<T extends KubeObject> = (wanted: T, current: Stored<T>) => T | undefined

async function reconcile<T extends KubeObject>(client: Client, ref: ResourceRef<T>, wanted: readonly T[], complete: Complete<T>): Promise<void> {
  const present = new Map((await client.resource(ref).list()).items.map((object) => [objectKey(object), object]))
  await Promise.all(wanted.map(async (object) => {
    const current = present.get(objectKey(object))
    const kind = client.resource(ref, object.metadata?.namespace)
    if (!current) return kind.create(object).catch(ignoreExists)
    if (current.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false') return
    const completed = complete(object, current)
    if (completed) await kind.update(completed)
  }))
}

function ignoreExists(error: unknown): void {
  if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error
}

/** Labels and annotations as they should be, or undefined when they are. */
function completeMetadata<T extends KubeObject>(wanted: T, current: Stored<T>): Stored<T>['metadata'] | undefined {
  const labels = { ...current.metadata.labels, ...wanted.metadata?.labels }
  const annotations = { ...wanted.metadata?.annotations, ...current.metadata.annotations }
  const complete = Object.keys(labels).every((key) => labels[key] === current.metadata.labels?.[key]) &&
    Object.keys(annotations).every((key) => key in (current.metadata.annotations ?? {}))
  return complete ? undefined : { ...current.metadata, labels, annotations }
}

function completeRole<T extends ClusterRole | Role>(wanted: T, current: Stored<T>): T | undefined {
  const metadata = completeMetadata(wanted, current)
  const aggregationRule = 'aggregationRule' in wanted && !('aggregationRule' in current && current.aggregationRule) ? wanted.aggregationRule : undefined
  const missing = missingRules(current.rules ?? [], wanted.rules ?? [])
  if (!metadata && !aggregationRule && !missing.length) return undefined
  return { ...current, metadata: metadata ?? current.metadata, ...(aggregationRule && { aggregationRule }), rules: [...(current.rules ?? []), ...missing] }
}

function completeBinding<T extends ClusterRoleBinding | RoleBinding>(wanted: T, current: Stored<T>): T | undefined {
  const metadata = completeMetadata(wanted, current)
  const same = (a: Subject, b: Subject) => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '')
  const missing = (wanted.subjects ?? []).filter((subject) => !current.subjects?.some((one) => same(one, subject)))
  if (!metadata && !missing.length) return undefined
  return { ...current, metadata: metadata ?? current.metadata, subjects: [...(current.subjects ?? []), ...missing] }
}
