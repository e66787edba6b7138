// The history of a pod template, as ControllerRevisions (source: pkg/controller/history).
import type { ControllerRevision, PodTemplateSpec } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { controllerrevisions } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { StatusError, ignoreNotFound } from '../../api/status-error.ts'
import type { ExecutionContext } from '../../controller/definition.ts'
import { canonical, templateHash } from './hash.ts'
import { controllerRefTo } from './owner.ts'

interface TemplateOwner extends KubeObject {
  spec?: { template: PodTemplateSpec }
  status?: { collisionCount?: number }
}

interface History {
  /** Of the present template; absent until it is written. */
  current: Stored<ControllerRevision> | undefined
  old: readonly Stored<ControllerRevision>[]
  /** What the present template's revision must be. */
  revision: number
}

export type RevisionStep =
  | { do: 'createRevision'; revision: ControllerRevision; owner: Stored<TemplateOwner>; ownerRef: ResourceRef }
  | { do: 'updateRevision'; revision: Stored<ControllerRevision> }
  | { do: 'deleteRevision'; revision: Stored<ControllerRevision> }

/** Keys in the order of their names: clients that compare a template with its history compare bytes (as upstream's own do). */
const dataOf = (template: PodTemplateSpec): object => inOrder({ spec: { template: { ...template, $patch: 'replace' } } })

function inOrder<T>(value: T): T {
  if (Array.isArray(value)) return value.map(inOrder) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, inOrder(inner)])) as T
}

export function historyOf(owner: TemplateOwner, revisions: readonly Stored<ControllerRevision>[]): History {
  const data = canonical(dataOf(owner.spec!.template))
  const sorted = [...revisions].sort((a, b) => a.revision - b.revision)
  const current = sorted.filter((revision) => canonical(revision.data) === data).at(-1)
  const old = sorted.filter((revision) => revision !== current)
  return { current, old, revision: Math.max(0, ...old.map((revision) => revision.revision)) + 1 }
}

/** Writes the present template, or lifts its old revision to the newest. */
export function historySteps(history: History, owner: Stored<TemplateOwner>, ownerRef: ResourceRef, hashLabel: string): RevisionStep[] {
  const { current, revision } = history
  if (current) return current.revision >= revision ? [] : [{ do: 'updateRevision', revision: { ...current, revision } }]
  const { template } = owner.spec!
  const hash = templateHash(template, owner.status?.collisionCount)
  const { name, namespace, annotations } = owner.metadata
  const metadata = {
    name: `${name}-${hash}`, namespace, labels: { ...template.metadata?.labels, [hashLabel]: hash }, ...(annotations ? { annotations } : {}),
    ownerReferences: [controllerRefTo(owner, ownerRef)],
  }
  return [{ do: 'createRevision', owner, ownerRef, revision: { metadata, data: dataOf(template) as ControllerRevision['data'], revision } }]
}

/** Old revisions beyond `limit` that nothing uses, the oldest first. */
export function surplusRevisions(history: History, limit: number, isUsed: (revision: Stored<ControllerRevision>) => boolean): RevisionStep[] {
  const unused = history.old.filter((revision) => !isUsed(revision))
  return unused.slice(0, Math.max(0, Math.min(unused.length, history.old.length - limit))).map((revision) => ({ do: 'deleteRevision', revision }))
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec.template
  return template
}

export const revisionExecutors = {
  /** A name that another template's revision has taken makes the next hash another one. */
  async createRevision({ revision, owner, ownerRef }: Extract<RevisionStep, { do: 'createRevision' }>, { client }: ExecutionContext): Promise<void> {
    const of = client.resource(controllerrevisions, owner.metadata.namespace)
    try {
      await of.create(revision)
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error
      const taken = await of.get(revision.metadata?.name ?? '')
      if (canonical(taken.data) === canonical(revision.data)) return
      const status = { ...owner.status, collisionCount: (owner.status?.collisionCount ?? 0) + 1 }
      await client.resource(ownerRef, owner.metadata.namespace).updateStatus({ ...owner, status } as KubeObject)
      throw error
    }
  },
  async updateRevision({ revision }: Extract<RevisionStep, { do: 'updateRevision' }>, { client }: ExecutionContext): Promise<void> {
    await client.resource(controllerrevisions, revision.metadata.namespace).update(revision)
  },
  async deleteRevision({ revision: { metadata } }: Extract<RevisionStep, { do: 'deleteRevision' }>, { client }: ExecutionContext): Promise<void> {
    await client.resource(controllerrevisions, metadata.namespace).delete(metadata.name, { preconditions: { uid: metadata.uid } }).catch(ignoreNotFound)
  },
}
