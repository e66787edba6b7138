import { describe, expect, test } from 'vitest'
import type { ContainerState, ContainerStatus, PodSpec } from '../../api/generated/types.ts'
import { asAgentPod } from '../pod/types.ts'
import { phaseOf } from './phase.ts'
import { statusPatch } from './status-patch.ts'

const running: ContainerState = { running: { startedAt: 'x' } }
const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode } })
const waiting: ContainerState = { waiting: {} }
const status = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({ name, state, image: '', imageID: '', ready: false, restartCount: 0, ...more })
const podOf = (spec: Partial<PodSpec>) => asAgentPod({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec } })

describe('phase', () => {
  const cases: [string, Partial<PodSpec>, ContainerStatus[], boolean, string][] = [
    ['Pending before the first start', {}, [status('a', waiting), status('b', waiting)], false, 'Pending'],
    ['Pending while one was never started', {}, [status('a', running), status('b', waiting)], false, 'Pending'],
    ['Running', {}, [status('a', running), status('b', running)], false, 'Running'],
    ['Running while one waits to come back', {}, [status('a', running), status('b', waiting, { lastState: ended(1) })], false, 'Running'],
    ['Running while all come back', {}, [status('a', ended(0)), status('b', ended(1))], false, 'Running'],
    ['Succeeded', { restartPolicy: 'Never' }, [status('a', ended(0)), status('b', ended(0))], false, 'Succeeded'],
    ['Failed', { restartPolicy: 'Never' }, [status('a', ended(0)), status('b', ended(1))], false, 'Failed'],
    ['Running while a failure comes back', { restartPolicy: 'OnFailure' }, [status('a', ended(0)), status('b', ended(1))], false, 'Running'],
    ['Failed when nothing will come back', {}, [status('a', ended(0)), status('b', ended(137))], true, 'Failed'],
    ['Succeeded when nothing will come back', {}, [status('a', ended(0)), status('b', ended(0))], true, 'Succeeded'],
    ['Pending while init containers run', { initContainers: [{ name: 'i' }] }, [status('i', running), status('a', waiting), status('b', waiting)], false, 'Pending'],
    ['Failed when an init container failed for good', { restartPolicy: 'Never', initContainers: [{ name: 'i' }] }, [status('i', ended(1)), status('a', waiting), status('b', waiting)], false, 'Failed'],
    ['Pending while a failed init container comes back', { initContainers: [{ name: 'i' }] }, [status('i', waiting, { lastState: ended(1) }), status('a', waiting), status('b', waiting)], false, 'Pending'],
  ]
  test.each(cases)('%s', (_name, spec, statuses, terminal, phase) => expect(phaseOf({ pod: podOf(spec), statuses, terminal, initialized: false })).toBe(phase))
})

test('a patch carries only what changed, and leaves conditions of others alone', () => {
  const from = { phase: 'Pending', message: 'old', podIPs: [{ ip: '1' }], conditions: [{ type: 'Ready', status: 'False', reason: 'X' }, { type: 'Other', status: 'True' }, { type: 'Initialized', status: 'True' }] }
  const to = { phase: 'Running', podIPs: [{ ip: '2' }], conditions: [{ type: 'Ready', status: 'True' }, { type: 'Initialized', status: 'True' }] }
  expect(statusPatch('u', from, to)).toEqual({
    metadata: { uid: 'u' },
    status: { phase: 'Running', message: null, podIPs: [{ $patch: 'replace' }, { ip: '2' }], conditions: [{ type: 'Ready', status: 'True', reason: null }] },
  })
  expect(statusPatch('u', to, to)).toBeUndefined()
})
