import { expect, test } from 'vitest'
import type { Pod, PodSpec, PodStatus } from '../../generated/types.ts'
import { validatePodResize } from './pod-resize-validation.ts'
import { prepareEphemeralContainers, preparePodStatus, podGraceSeconds } from './pod-strategy.ts'
import { validatePodStatusUpdate, validatePodUpdate } from './pod-validation.ts'
import { pods } from './pods.ts'

function podOf(spec: Partial<PodSpec> = {}, status: PodStatus = { phase: 'Running', qosClass: 'BestEffort' }): Pod {
  const pod: Pod = { metadata: { name: 'p', namespace: 'n' }, spec: { containers: [{ name: 'a', image: 'x:1' }], ...spec }, status }
  pods.defaults!(pod)
  return pod
}

const firstLines = (errors: readonly { field: string; message: string }[]) => errors.map((e) => `${e.field}: ${e.message.split('\n')[0]}`)
const refusal = 'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

test.each<[string, Partial<PodSpec>, Partial<PodSpec>, string[]]>([
  ['the image changes', {}, { containers: [{ name: 'a', image: 'x:2', imagePullPolicy: 'IfNotPresent' }] }, []],
  ['a deadline is set', {}, { activeDeadlineSeconds: 5 }, []],
  ['a deadline is raised', { activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 6 }, ['spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value']],
  ['a toleration is added', {}, { tolerations: [{ operator: 'Exists' }] }, []],
  ['a toleration goes', { tolerations: [{ operator: 'Exists' }] }, {}, ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds']],
  ['a container is added', {}, { containers: [{ name: 'a', image: 'x:1' }, { name: 'b', image: 'x:1' }] }, ['spec.containers: Forbidden: pod updates may not add or remove containers']],
  ['the host name changes', {}, { hostname: 'other' }, [refusal]],
  ['a gate goes', { schedulingGates: [{ name: 'a.b/c' }] }, {}, []],
  ['a gate comes', {}, { schedulingGates: [{ name: 'a.b/c' }] }, ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a.b/c'"]],
  ['a gated pod is narrowed', { schedulingGates: [{ name: 'g' }] }, { schedulingGates: [{ name: 'g' }], nodeSelector: { a: 'b' } }, []],
  ['a pod without gates is narrowed', {}, { nodeSelector: { a: 'b' } }, [refusal]],
])('an update where %s', (_what, before, after, messages) => {
  expect(firstLines(validatePodUpdate(podOf(after), podOf(before)))).toEqual(messages)
})

const ended = (exitCode: number) => ({ phase: 'Running', containerStatuses: [{ name: 'a', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode } } }] })
const again = { phase: 'Running', containerStatuses: [{ name: 'a', image: '', imageID: '', ready: false, restartCount: 1, state: { running: {} } }] }
const gone = ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state']

test.each([['Always', 0, []], ['OnFailure', 1, []], ['OnFailure', 0, gone], ['Never', 1, gone]] as const)('restartPolicy %s, exit code %i: may it run again', (restartPolicy, exitCode, messages) => {
  expect(firstLines(validatePodStatusUpdate(podOf({ restartPolicy }, again), podOf({ restartPolicy }, ended(exitCode))))).toEqual(messages)
})

test('a write of the status keeps spec, owners and quality of service', () => {
  const current = podOf()
  const draft: Pod = { metadata: { ...current.metadata, labels: { a: 'b' }, ownerReferences: [] }, spec: { containers: [] }, status: { phase: 'Failed' } }
  preparePodStatus(draft, current)
  expect(draft).toEqual({ metadata: { name: 'p', namespace: 'n', labels: { a: 'b' } }, spec: current.spec, status: { phase: 'Failed', qosClass: 'BestEffort' } })
})

test('ephemeral containers alone come through their subresource', () => {
  const current = podOf()
  const draft = podOf({ hostname: 'other', ephemeralContainers: [{ name: 'debug', image: 'x:1' }] })
  draft.metadata!.labels = { a: 'b' }
  prepareEphemeralContainers(draft, current)
  expect(draft.spec).toEqual({ ...current.spec, ephemeralContainers: [expect.objectContaining({ name: 'debug' })] })
  expect(draft.metadata).toEqual(current.metadata)
})

test('a resize changes cpu and memory, and not the quality of service', () => {
  const sized = (requests: Record<string, string>, limits?: Record<string, string>) =>
    podOf({ containers: [{ name: 'a', image: 'x:1', resources: { requests, ...(limits ? { limits } : {}) } }] }, { phase: 'Running', qosClass: 'Burstable' })
  const current = sized({ cpu: '100m' })
  expect(firstLines(validatePodResize(sized({ cpu: '200m', memory: '1Gi' }), current))).toEqual([])
  expect(firstLines(validatePodResize(sized({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }), current))).toContain('spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing')
  expect(firstLines(validatePodResize(sized({ cpu: '100m', 'ephemeral-storage': '1Gi' }), current))).toEqual(['spec: Forbidden: only cpu and memory resources are mutable'])
})

test('a pod that does not run goes at once', () => {
  expect(podGraceSeconds(podOf())).toBe(0)
  expect(podGraceSeconds(podOf({ nodeName: 'n1' }))).toBe(30)
  expect(podGraceSeconds(podOf({ nodeName: 'n1' }), 5)).toBe(5)
  expect(podGraceSeconds(podOf({ nodeName: 'n1' }, { phase: 'Succeeded' }), 5)).toBe(0)
})
