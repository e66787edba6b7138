// Facts: what a kube-apiserver v1.36 shows of a pod with containers a and b, an init container i and a sidecar s.
import { expect, test } from 'vitest'
import type { ContainerState, ContainerStatus, Pod, PodStatus } from '../../generated/types.ts'
import { podReady, podReason, podRestarts } from './pod-status.ts'

const now = Date.UTC(2026, 0, 1)
const running: ContainerState = { running: {} }
const waiting = (reason: string): ContainerState => ({ waiting: { reason } })
const terminated = (exitCode: number, reason?: string, signal?: number): ContainerState => ({ terminated: { exitCode, reason, signal } })
const container = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({ name, state, image: '', imageID: '', ready: false, restartCount: 0, ...more })
const condition = (type: string, status: string, reason?: string) => ({ type, status, reason })
const restarted = { lastState: { terminated: { exitCode: 1, finishedAt: '2020-01-01T00:00:00Z' } } }

const cases: [cells: string[], status: PodStatus, deleted?: boolean][] = [
  [['0/3', 'Pending', '0'], { phase: 'Pending' }],
  [['0/3', 'Pending', '0'], { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable')] }],
  [['0/3', 'Init:0/2', '0'], { phase: 'Pending', initContainerStatuses: [container('i', running), container('s', waiting('PodInitializing'))], containerStatuses: [container('a', waiting('PodInitializing')), container('b', waiting('PodInitializing'))] }],
  [['0/3', 'Init:CrashLoopBackOff', '3 (6y2d ago)'], { phase: 'Pending', initContainerStatuses: [container('i', waiting('CrashLoopBackOff'), { restartCount: 3, ...restarted })] }],
  [['0/3', 'Init:0/2', '0'], { phase: 'Pending', initContainerStatuses: [container('i', waiting('PodInitializing'))] }],
  [['0/3', 'Init:Error', '0'], { phase: 'Pending', initContainerStatuses: [container('i', terminated(1, 'Error'))] }],
  [['0/3', 'Init:ExitCode:1', '0'], { phase: 'Pending', initContainerStatuses: [container('i', terminated(1))] }],
  [['0/3', 'Init:Signal:9', '0'], { phase: 'Pending', initContainerStatuses: [container('i', terminated(1, '', 9))] }],
  [['1/3', 'ContainerCreating', '0'], { phase: 'Pending', initContainerStatuses: [container('i', terminated(0, 'Completed')), container('s', running, { ready: true, started: true })], containerStatuses: [container('a', waiting('ContainerCreating')), container('b', waiting('ErrImagePull'))] }],
  [['3/3', 'Running', '1'], { phase: 'Running', conditions: [condition('Ready', 'True'), condition('Initialized', 'True')], initContainerStatuses: [container('i', terminated(0, 'Completed'), { restartCount: 2 }), container('s', running, { ready: true, restartCount: 1, started: true })], containerStatuses: [container('a', running, { ready: true }), container('b', running, { ready: true })] }],
  [['2/3', 'CrashLoopBackOff', '11 (6y2d ago)'], { phase: 'Running', conditions: [condition('Initialized', 'True')], initContainerStatuses: [container('i', terminated(0, 'Completed')), container('s', running, { ready: true, started: true })], containerStatuses: [container('a', running, { ready: true, restartCount: 4, ...restarted }), container('b', waiting('CrashLoopBackOff'), { restartCount: 7, ...restarted })] }],
  [['1/3', 'Running', '0'], { phase: 'Running', conditions: [condition('Ready', 'True')], containerStatuses: [container('a', terminated(0, 'Completed')), container('b', running, { ready: true })] }],
  [['1/3', 'NotReady', '0'], { phase: 'Running', containerStatuses: [container('a', terminated(0, 'Completed')), container('b', running, { ready: true })] }],
  [['0/3', 'Error', '0'], { phase: 'Running', containerStatuses: [container('a', terminated(0, 'Completed')), container('b', terminated(2, 'Error'))] }],
  [['0/3', 'Completed', '0'], { phase: 'Succeeded', containerStatuses: [container('a', terminated(0, 'Completed')), container('b', terminated(0, 'Completed'))] }],
  [['0/3', 'OOMKilled', '0'], { phase: 'Failed', containerStatuses: [container('a', terminated(137, 'OOMKilled')), container('b', terminated(3))] }],
  [['0/3', 'Evicted', '0'], { phase: 'Failed', reason: 'Evicted' }],
  [['0/3', 'Signal:15', '0'], { phase: 'Running', containerStatuses: [container('a', terminated(0, '', 15)), container('b', running)] }],
  [['2/3', 'Terminating', '0'], { phase: 'Running', containerStatuses: [container('a', running, { ready: true }), container('b', running, { ready: true })] }, true],
  [['0/3', 'Unknown', '0'], { phase: 'Running', reason: 'NodeLost' }, true],
  [['0/3', 'Completed', '0'], { phase: 'Succeeded', containerStatuses: [container('a', terminated(0, 'Completed'))] }, true],
]

test.each(cases)('%j', (cells, status, deleted) => {
  const pod: Pod = {
    metadata: deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}, status,
    spec: { containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }] },
  }
  expect([podReady(pod), podReason(pod), podRestarts(pod, now)]).toEqual(cells)
})
