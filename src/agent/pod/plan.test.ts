import { describe, expect, test } from 'vitest'
import type { Container, PodSpec } from '../../api/generated/types.ts'
import type { ContainerStatus, SandboxStatus } from '../../runtime/container-runtime.ts'
import { containerAnnotations } from '../container/labels.ts'
import type { ProbeKind } from './init-actions.ts'
import { plan, type World } from './plan.ts'
import { asAgentPod, type AgentPod } from './types.ts'

const now = 1_000_000
const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'i', ...more })

function podOf(spec: Partial<PodSpec> = {}): AgentPod {
  return asAgentPod({ metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [container('c')], restartPolicy: 'Always', ...spec } })
}

const sandbox = (more: Partial<SandboxStatus> = {}): SandboxStatus => ({
  id: 's1', ready: true, name: 'p', namespace: 'ns', uid: 'u', attempt: 0, createdAt: 1, labels: {}, annotations: {}, ips: ['10.0.0.1'], ...more,
})

function status(pod: AgentPod, name: string, more: Partial<ContainerStatus> = {}): ContainerStatus {
  const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name) ?? container(name)
  return {
    id: `id-${name}`, sandboxId: 's1', name, attempt: 0, image: 'i', imageId: 'i', imageRef: 'i', state: 'running', createdAt: 1, startedAt: 1, finishedAt: 0, exitCode: 0, reason: '', message: '',
    labels: {}, annotations: containerAnnotations(pod, spec, 0), logPath: '', mounts: [], ...more,
  }
}

const exited = (exitCode: number, finishedAt = now - 1): Partial<ContainerStatus> => ({ state: 'exited', exitCode, finishedAt })

function worldOf(more: Partial<World> = {}): World {
  return {
    observed: { sandboxes: [sandbox()], containers: [] }, now, instant: (wall) => wall, busy: new Set(), starting: new Set(), volumesReady: true, resourcesHeld: true, finalStatusWritten: true,
    probe: () => undefined, backoff: () => 0, retryAt: () => 0, toResize: [], ...more,
  }
}

const brief = (pod: AgentPod, world: Partial<World>) => plan(pod, worldOf(world)).steps.map((step) => {
  if (step.do === 'start-containers') return `start ${step.containers.map((c) => c.spec.name).join(',')}`
  if (step.do === 'kill-container') return `kill ${step.name}${step.after.length ? ` after ${step.after.join(',')}` : ''}`
  return 'id' in step ? `${step.do} ${step.id}` : step.do
})

const failing = (kind: ProbeKind) => (_id: string, asked: ProbeKind) => (asked === kind ? 'failure' as const : undefined)

describe('a pod that shall run', () => {
  const pod = podOf()
  const sidecar = container('side', { restartPolicy: 'Always', startupProbe: { tcpSocket: { port: 1 } } })
  const withInit = podOf({ initContainers: [container('a'), container('b')] })
  const withSidecar = podOf({ initContainers: [sidecar, container('b')] })
  const never = podOf({ restartPolicy: 'Never' })
  const onFailure = podOf({ restartPolicy: 'OnFailure' })
  const runs = (_of: AgentPod, ...containers: ContainerStatus[]): Partial<World> => ({ observed: { sandboxes: [sandbox()], containers } })

  const cases: [string, AgentPod, Partial<World>, string[]][] = [
    ['gets volumes and sandbox side by side', pod, { observed: { sandboxes: [], containers: [] }, volumesReady: false }, ['prepare-volumes', 'run-sandbox']],
    ['gets no sandbox after its volumes failed', pod, { observed: { sandboxes: [], containers: [] }, volumesReady: false, retryAt: (key) => (key === 'prepare-volumes' ? now + 5 : 0) }, []],
    ['starts its containers when both are there', pod, {}, ['start c']],
    ['waits for its volumes', pod, { volumesReady: false, busy: new Set(['volumes']) }, []],
    ['is left alone while it runs', pod, runs(pod, status(pod, 'c')), []],
    ['starts again what has exited', pod, runs(pod, status(pod, 'c', exited(0))), ['start c']],
    ['starts again what has exited this instant, on a clock that reads a little later', pod, { ...runs(pod, status(pod, 'c', exited(1, now))), instant: (wall) => wall + 0.4 }, ['start c']],
    ['waits out the back-off', pod, { ...runs(pod, status(pod, 'c', exited(1))), backoff: () => 10_000 }, []],
    ['tries a failed start again only when due', pod, { retryAt: (key) => (key === 'container/c' ? now + 1 : 0) }, []],
    ['is replaced with its sandbox', pod, { observed: { sandboxes: [sandbox({ ready: false })], containers: [status(pod, 'c', exited(1))] } }, ['run-sandbox']],
    ['is killed first when its sandbox died around it', pod, { observed: { sandboxes: [sandbox({ ready: false })], containers: [status(pod, 'c')] } }, ['kill c']],
    ['gets a sandbox with an address', pod, { observed: { sandboxes: [sandbox({ ips: [] })], containers: [] } }, ['stop-sandbox s1']],
    ['of policy Never stops when all have exited', never, runs(never, status(never, 'c', exited(1))), ['stop-sandbox s1']],
    ['of policy Never does not come back with a new sandbox', never, { observed: { sandboxes: [sandbox({ ready: false })], containers: [status(never, 'c', exited(1))] } }, []],
    ['of policy OnFailure starts what failed', onFailure, runs(onFailure, status(onFailure, 'c', exited(1))), ['start c']],
    ['of policy OnFailure stops after success', onFailure, runs(onFailure, status(onFailure, 'c', exited(0))), ['stop-sandbox s1']],
    ['kills what fails its liveness probe', pod, { ...runs(pod, status(pod, 'c')), probe: failing('liveness') }, ['kill c']],
    ['kills what fails its startup probe', pod, { ...runs(pod, status(pod, 'c')), probe: failing('startup') }, ['kill c']],
    ['kills what has another image now', pod, runs(pod, status(podOf({ containers: [container('c', { image: 'other' })] }), 'c')), ['kill c']],
    ['runs init containers first', withInit, {}, ['start a']],
    ['runs them one after the other', withInit, runs(withInit, status(withInit, 'a', exited(0))), ['start b']],
    ['does not skip one that runs', withInit, runs(withInit, status(withInit, 'a')), []],
    ['repeats one that failed', withInit, runs(withInit, status(withInit, 'a', exited(1))), ['start a']],
    ['goes on after the last one', withInit, runs(withInit, status(withInit, 'b', exited(0))), ['start c']],
    ['does not repeat those whose traces are gone', withInit, runs(withInit, status(withInit, 'c')), []],
    ['waits until a sidecar has started', withSidecar, runs(withSidecar, status(withSidecar, 'side')), []],
    ['goes on when a sidecar has started', withSidecar, { ...runs(withSidecar, status(withSidecar, 'side')), probe: () => 'success' }, ['start b']],
    ['starts a sidecar again beside running containers', withSidecar, runs(withSidecar, status(withSidecar, 'c'), status(withSidecar, 'side', exited(1)), status(withSidecar, 'b', exited(0))), ['start side']],
    ['resizes in place', pod, { ...runs(pod, status(pod, 'c')), toResize: [{ id: 'id-c', name: 'c', restart: false }] }, ['update-resources id-c']],
    ['restarts for a resize where its policy wants that', pod, { ...runs(pod, status(pod, 'c')), toResize: [{ id: 'id-c', name: 'c', restart: true }] }, ['kill c']],
  ]
  test.each(cases)('%s', (_name, of, world, steps) => expect(brief(of, world)).toEqual(steps))

  test('tells why and how long a crashing container waits', () => {
    const next = plan(pod, worldOf({ ...runs(pod, status(pod, 'c', exited(1))), backoff: () => 160_000 }))
    expect(next.crashLoops).toEqual([{ name: 'c', message: 'back-off 2m40s restarting failed container=c pod=p_ns(u)' }])
    expect(next.wakeAt).toBe(now - 1 + 160_000)
  })
  test('ends sidecars with the last container', () => {
    const job = podOf({ restartPolicy: 'Never', initContainers: [sidecar] })
    expect(brief(job, { ...runs(job, status(job, 'c', exited(0)), status(job, 'side')), probe: () => 'success' })).toEqual(['kill side'])
  })
})

describe('a pod that ends', () => {
  const pod = podOf({ initContainers: [container('s1', { restartPolicy: 'Always' }), container('s2', { restartPolicy: 'Always' })] })
  const ending = { graceSeconds: 30, deleted: true, gone: false }
  const stopped = { sandboxes: [sandbox({ ready: false })], containers: [status(pod, 'c', exited(0))] }
  const cases: [string, Partial<World>, string[]][] = [
    ['kills its containers, sidecars last and in reverse', { observed: { sandboxes: [sandbox()], containers: ['c', 's2', 's1'].map((n) => status(pod, n)) } }, ['kill c', 'kill s2 after id-c', 'kill s1 after id-c,id-s2']],
    ['lets a start under way settle', { observed: { sandboxes: [sandbox()], containers: [] }, busy: new Set(['start']) }, []],
    ['stops its sandbox next', { observed: { sandboxes: [sandbox()], containers: [status(pod, 'c', exited(0))] } }, ['stop-sandbox s1']],
    ['gives back its resources then', { observed: stopped }, ['release-resources']],
    ['waits until its last status is written', { observed: stopped, resourcesHeld: false, finalStatusWritten: false }, []],
    ['is deleted when it is', { observed: stopped, resourcesHeld: false }, ['delete-pod']],
    ['is kept for its logs when nobody deletes it', { observed: stopped, resourcesHeld: false, ending: { ...ending, deleted: false } }, []],
    ['leaves nothing in the runtime when it is gone', { observed: stopped, resourcesHeld: false, ending: { ...ending, gone: true } }, ['remove-container id-c']],
    ['leaves no sandbox either', { observed: { sandboxes: [sandbox({ ready: false })], containers: [] }, resourcesHeld: false, ending: { ...ending, gone: true } }, ['remove-sandbox s1']],
  ]
  test.each(cases)('%s', (_name, world, steps) => expect(brief(pod, { ending, ...world })).toEqual(steps))
})
