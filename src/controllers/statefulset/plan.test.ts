import { expect, test } from 'vitest'
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { ownersOfClaim } from './retention.ts'
import { planStatefulSet } from './plan.ts'

const meta = (name: string) => ({ name, namespace: 'a', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })
const owned = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'db', controller: true }]
const template = (image: string) => ({ metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image }] } })

const set = (spec: Partial<StatefulSet['spec']> = {}): Stored<StatefulSet> => ({
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { ...meta('db'), generation: 1 }, status: { replicas: 0, currentRevision: 'db-v1' },
  spec: { replicas: 3, selector: { matchLabels: { app: 'db' } }, template: template('v2'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, ...spec },
})
const revision = (image: string, n: number): Stored<ControllerRevision> => ({
  apiVersion: 'apps/v1', kind: 'ControllerRevision', revision: n, metadata: { ...meta(`db-${image}`), labels: { app: 'db' }, ownerReferences: owned },
  data: { spec: { template: { ...template(image), $patch: 'replace' } } } as ControllerRevision['data'],
})

/** As in `v1`, `v2?` (not ready), `v1-` (going), `v1x` (failed). */
function pod(ordinal: number, shape: string): Stored<Pod> {
  const name = `db-${ordinal}`
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      ...meta(name), ownerReferences: owned, labels: { app: 'db', 'controller-revision-hash': `db-${shape.slice(0, 2)}`, 'statefulset.kubernetes.io/pod-name': name },
      ...(shape.endsWith('-') ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { containers: [] }, status: { phase: shape.endsWith('x') ? 'Failed' : 'Running', conditions: [{ type: 'Ready', status: shape.endsWith('?') ? 'False' : 'True' }] },
  }
}

const plan = (of: Stored<StatefulSet>, pods: Record<number, string>) =>
  planStatefulSet({ set: of, selector: labelSelectorOf(of.spec?.selector), pods: Object.entries(pods).map(([n, shape]) => pod(Number(n), shape)), revisions: [revision('v1', 1), revision('v2', 2)], claim: () => undefined }, 0, () => Infinity)
    .steps.flat().map((step) => (step.do === 'createMember' ? `+${step.pod.metadata?.name} ${step.pod.metadata?.labels?.['controller-revision-hash']}` : step.do === 'deleteMember' ? `-${step.pod.metadata.name}` : step.do))

const parallel = { podManagementPolicy: 'Parallel' }
test.each<[string, string[], string[]]>([
  ['members come one after the other', plan(set(), {}), ['+db-0 db-v2']],
  ['the next waits until the one before is ready', plan(set(), { 0: 'v2?' }), []],
  ['all come at once where they may', plan(set(parallel), {}), ['+db-0 db-v2', '+db-1 db-v2', '+db-2 db-v2']],
  ['a failed member is replaced', plan(set(), { 0: 'v2', 1: 'v2x', 2: 'v2' }), ['-db-1']],
  ['surplus members go from the end, one at a time', plan(set({ replicas: 1 }), { 0: 'v2', 1: 'v2', 2: 'v2' }), ['-db-2']],
  ['nobody goes while one is going', plan(set({ replicas: 1 }), { 0: 'v2', 1: 'v2', 2: 'v2-' }), []],
  ['an update begins at the end', plan(set(), { 0: 'v1', 1: 'v1', 2: 'v1' }), ['-db-2']],
  ['and goes on when that one is ready', plan(set(), { 0: 'v1', 1: 'v1', 2: 'v2' }), ['-db-1']],
  ['and waits while it is not', plan(set(), { 0: 'v1', 1: 'v1', 2: 'v2?' }), []],
  ['members below the partition stay as they are', plan(set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }), { 0: 'v1', 1: 'v1', 2: 'v2' }), []],
  ['and come back as they were', plan(set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }), { 1: 'v1', 2: 'v2' }), ['+db-0 db-v1']],
  ['OnDelete leaves the update to the user', plan(set({ updateStrategy: { type: 'OnDelete' } }), { 0: 'v1', 1: 'v1', 2: 'v1' }), []],
  ['ordinals may begin elsewhere', plan(set({ replicas: 1, ordinals: { start: 5 } }), {}), ['+db-5 db-v2']],
])('%s', (_name, actual, expected) => expect(actual).toEqual(expected))

const claim: Stored<PersistentVolumeClaim> = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta('data-db-2') }
test.each<[string, string | undefined, string | undefined, number, string[] | undefined]>([
  ['claims are nobody\'s unless the set says so', undefined, undefined, 3, undefined],
  ['they go with the set', 'Delete', 'Retain', 3, ['StatefulSet']],
  ['a member that goes by scaling takes its claims along', 'Delete', 'Delete', 1, ['Pod']],
  ['those of members that stay do not', 'Retain', 'Delete', 3, undefined],
])('%s', (_name, whenDeleted, whenScaled, replicas, expected) => {
  const of = set({ replicas, persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } })
  expect(ownersOfClaim(of, pod(2, 'v2'), claim)?.map((owner) => owner.kind)).toEqual(expected)
})
