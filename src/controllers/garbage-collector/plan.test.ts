import { expect, test } from 'vitest'
import type { OwnerReference } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { pods } from '../../api/refs.ts'
import { nodeOf, type Node } from './graph.ts'
import { planGarbage, type OwnerState } from './plan.ts'

const owner = (uid: string, blockOwnerDeletion = true): OwnerReference => ({ apiVersion: 'v1', kind: 'Pod', name: uid, uid, blockOwnerDeletion })
const object = (uid: string, metadata: Partial<Stored['metadata']> = {}): Stored =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: uid, namespace: 'a', uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata } })
const node = (uid: string, metadata: Partial<Stored['metadata']> = {}): Node => nodeOf(pods, object(uid, metadata))

function steps(metadata: Partial<Stored['metadata']>, owners: Record<string, OwnerState> = {}, dependents: Node[] = []) {
  const live = object('x', metadata)
  const plan = planGarbage({ node: nodeOf(pods, live), object: live, owners: new Map(Object.entries(owners)), dependents })
  return plan.steps.flat().map((step) =>
    step.do === 'delete' ? `delete ${step.policy}` : step.do === 'setOwners' ? `owners ${step.owners.map((o) => o.uid + (o.blockOwnerDeletion ? '!' : ''))}` :
    step.do === 'letGo' ? `let go ${step.dependent.uid}` : `remove ${step.finalizer}`)
}

const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' }
const two = { ownerReferences: [owner('p'), owner('q')] }

test.each<[string, string[], string[]]>([
  ['stays while an owner is there, and forgets the others', steps(two, { p: 'there', q: 'absent' }), ['owners p!']],
  ['stays while it is not known whether an owner is there', steps(two, { p: 'absent' }), []],
  ['goes when all owners are gone', steps(two, { p: 'absent', q: 'absent' }), ['delete Background']],
  ['goes when its owner waits for it', steps({ ownerReferences: [owner('p')] }, { p: 'waits' }), ['delete Background']],
  ['waits for its own dependents when its owner waits', steps({ ownerReferences: [owner('p')] }, { p: 'waits' }, [node('y')]), ['delete Foreground']],
  ['breaks a circle', steps({ ownerReferences: [owner('p')] }, { p: 'waits' }, [node('y', { ...deleted, finalizers: ['foregroundDeletion'] })]), ['owners p', 'delete Foreground']],
  ['keeps waiting for dependents that block it', steps({ ...deleted, finalizers: ['foregroundDeletion'] }, {}, [node('y', { ownerReferences: [owner('x')] })]), []],
  ['does not wait for dependents that do not block it', steps({ ...deleted, finalizers: ['foregroundDeletion'] }, {}, [node('y', { ownerReferences: [owner('x', false)] })]), ['remove foregroundDeletion']],
  ['lets its dependents go before it goes', steps({ ...deleted, finalizers: ['orphan'] }, {}, [node('y'), node('z')]), ['let go y', 'let go z', 'remove orphan']],
])('an object %s', (_name, actual, expected) => expect(actual).toEqual(expected))
