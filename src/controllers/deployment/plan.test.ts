import { describe, expect, test } from 'vitest'
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { planDeployment, type DeploymentStep } from './plan.ts'
import { revisionOf } from './sets.ts'

const now = Date.UTC(2026, 0, 1, 12)
const template = (image: string): PodTemplateSpec => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } })

function deployment(spec: Partial<Deployment['spec']> = {}, status: Deployment['status'] = {}): Stored<Deployment> {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'a', uid: 'd', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 }, status,
    spec: {
      replicas: 10, selector: { matchLabels: { app: 'web' } }, template: template('v2'), progressDeadlineSeconds: 600, revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }, ...spec,
    },
  }
}

interface SetShape {
  replicas: number
  available?: number
  desired?: number
  most?: number
}

function set(image: string, { replicas, available = replicas, desired = 10, most = 13 }: SetShape): Stored<ReplicaSet> {
  const annotations = { 'deployment.kubernetes.io/revision': image.slice(1), 'deployment.kubernetes.io/desired-replicas': String(desired), 'deployment.kubernetes.io/max-replicas': String(most) }
  return {
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: {
      name: `web-${image}`, namespace: 'a', uid: image, resourceVersion: '1', creationTimestamp: `2026-01-01T0${image.slice(1)}:00:00Z`, labels: { app: 'web' }, annotations, generation: 1,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true }],
    },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(image) }, status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  }
}

const plan = (of: Stored<Deployment>, sets: Stored<ReplicaSet>[]) => planDeployment({ deployment: of, selector: labelSelectorOf(of.spec?.selector), sets, podsOf: () => [] }, now, (time) => now - time)
const sizes = (steps: readonly (DeploymentStep | readonly DeploymentStep[])[]) =>
  steps.flat().flatMap((step) => (step.do === 'updateSet' ? [`${step.set.metadata.name}=${step.set.spec?.replicas}`] : step.do === 'createSet' ? [`new=${step.set.spec?.replicas}`] : step.do === 'deleteSet' ? [`-${step.set.metadata.name}`] : []))

describe('a rollout', () => {
  test.each<[string, Stored<ReplicaSet>[], string[]]>([
    ['starts with as many new pods as may be too many', [set('v1', { replicas: 10 })], ['new=3']],
    ['takes away old pods as far as enough are available', [set('v1', { replicas: 10 }), set('v2', { replicas: 3, available: 0 })], ['web-v1=8']],
    ['waits while too few are available', [set('v1', { replicas: 8 }), set('v2', { replicas: 5, available: 0 })], []],
    ['adds new pods for those that went', [set('v1', { replicas: 8 }), set('v2', { replicas: 3 })], ['web-v2=5']],
    ['takes away unhealthy old pods first', [set('v1', { replicas: 10, available: 8 }), set('v2', { replicas: 3, available: 0 })], ['web-v1=8']],
    ['ends', [set('v1', { replicas: 0 }), set('v2', { replicas: 10 })], []],
  ])('%s', (_name, sets, expected) => expect(sizes(plan(deployment(), sets).steps)).toEqual(expected))
})

test('Recreate stops the old pods, and starts new ones when they have gone', () => {
  const recreate = deployment({ strategy: { type: 'Recreate' } })
  expect(sizes(plan(recreate, [set('v1', { replicas: 10, most: 10 })]).steps)).toEqual(['web-v1=0'])
  expect(sizes(plan(recreate, [set('v1', { replicas: 0, most: 10 })]).steps)).toEqual(['new=10'])
})

test('scaling in the middle of a rollout keeps the proportions', () => {
  const sets = [set('v1', { replicas: 5, desired: 10, most: 10 }), set('v2', { replicas: 5, desired: 10, most: 10 })]
  expect(sizes(plan(deployment({ replicas: 20, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } }), sets).steps)).toEqual(['web-v1=10', 'web-v2=10'])
})

test('a paused deployment is scaled but not rolled out', () => {
  expect(sizes(plan(deployment({ paused: true, replicas: 4 }), [set('v1', { replicas: 10 })]).steps)).toEqual(['web-v1=4'])
})

test('old sets beyond the limit of the history go once the rollout is complete', () => {
  const status = { replicas: 10, updatedReplicas: 10, availableReplicas: 10, observedGeneration: 1 }
  const sets = [set('v1', { replicas: 0 }), set('v3', { replicas: 0 }), set('v4', { replicas: 0 }), { ...set('v2', { replicas: 10 }), metadata: { ...set('v2', { replicas: 10 }).metadata, annotations: { ...set('v5', { replicas: 10 }).metadata.annotations } } }]
  expect(sizes(plan(deployment({ revisionHistoryLimit: 1 }, status), sets).steps)).toEqual(['-web-v1', '-web-v3'])
})

test('a rollback lifts the old set to the newest revision and notes the one it had', () => {
  const [step] = plan(deployment({ template: template('v1') }), [set('v1', { replicas: 10 }), set('v2', { replicas: 10 })]).steps.flat().filter((s) => s.do === 'updateSet')
  expect(step?.do === 'updateSet' && step.set.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' })
})

test('no progress within the deadline is said in the status, and looked for at the right time', () => {
  const condition = (lastUpdateTime: string) => ({ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: '', lastUpdateTime, lastTransitionTime: lastUpdateTime })
  const sets = [set('v2', { replicas: 10, available: 2 })]
  const status = (since: string) => ({ replicas: 10, updatedReplicas: 10, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1, conditions: [condition(since)] })
  expect(plan(deployment({}, status('2026-01-01T11:59:00Z')), sets).wakeAfter).toBe(541_000)
  const late = plan(deployment({}, status('2026-01-01T11:00:00Z')), sets).last?.(undefined)[0]
  expect(late?.do === 'updateDeploymentStatus' && late.status.conditions?.find((c) => c.type === 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded', message: 'ReplicaSet "web-v2" has timed out progressing.' })
})

test('revisions are int64: the one after an adopted large one is exact', () => {
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' }
  expect(revisionOf(annotations) + 1n).toBe(3546343826724305833n)
  expect(revisionOf({ 'deployment.kubernetes.io/revision': 'x' })).toBe(0n)
})
