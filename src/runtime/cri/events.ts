// Container events. Where the runtime offers CRI's own feed that is used, else containerd's, on the same socket.
// An event is told only when reading the status shows it: containerd announces the end of a task before its CRI plug-in has noted it.
import { setTimeout as wait } from 'node:timers/promises'
import { GrpcError } from '../../base/grpc/client.ts'
import { decode } from '../../base/grpc/protobuf.ts'
import type { RuntimeEvent } from '../container-runtime.ts'
import { unlessGone, type CriConnection } from './connection.ts'
import { methods, subjectEvent, subscribe, taskExit } from './methods.ts'

type Emit = (event: RuntimeEvent) => void
const topics = ['/tasks/exit', '/tasks/start', '/containers/delete', '/images/create', '/images/update', '/images/delete']
const settleSteps = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]

interface EventHub {
  subscribe(listener: Emit, lost: () => void): { stop(): void }
}

/** One feed for all listeners (containerd 1.7 hands each event to one reader only), open while there is one. */
export function createEventHub(connection: CriConnection): EventHub {
  const listeners = new Set<{ event: Emit; lost(): void }>()
  let feed: AbortController | undefined
  return {
    subscribe(event, lost) {
      const entry = { event, lost }
      listeners.add(entry)
      if (feed) queueMicrotask(() => listeners.has(entry) && lost())
      else {
        const opened = (feed = new AbortController())
        const emit: Emit = (one) => void (opened.signal.aborted || listeners.forEach((listener) => listener.event(one)))
        void follow(connection, emit, () => void (opened.signal.aborted || listeners.forEach((listener) => listener.lost())), opened.signal)
      }
      return {
        stop() {
          listeners.delete(entry)
          if (listeners.size > 0) return
          feed?.abort()
          feed = undefined
        },
      }
    },
  }
}

async function follow(connection: CriConnection, emit: Emit, lost: () => void, signal: AbortSignal): Promise<void> {
  let hasCriFeed = true
  for (let failures = 0; !signal.aborted; failures++) {
    const started = performance.now()
    try {
      if (hasCriFeed) await followCri(connection, emit, lost, signal)
      else await followContainerd(connection, emit, lost, signal)
    } catch (error) {
      if (hasCriFeed && error instanceof GrpcError && error.code === 'Unimplemented') {
        hasCriFeed = false
        continue
      }
    }
    if (performance.now() - started > 10_000) failures = 0
    await wait(Math.min(5000, 50 * 2 ** failures), undefined, { signal, ref: false }).catch(() => undefined)
  }
}

async function followCri(connection: CriConnection, emit: Emit, lost: () => void, signal: AbortSignal): Promise<void> {
  const stream = connection.grpc.stream(methods.containerEvents, {}, { signal })
  announceWhenOpen(connection, lost)
  for await (const { containerId, type, sandbox } of stream) emit({ type: type === 'container-stopped' && sandbox?.id === containerId ? 'sandbox-stopped' : type, id: containerId })
}

async function followContainerd(connection: CriConnection, emit: Emit, lost: () => void, signal: AbortSignal): Promise<void> {
  const filters = topics.map((topic) => `topic=="${topic}",namespace=="k8s.io"`)
  const stream = connection.grpc.stream(subscribe, { filters }, { signal })
  announceWhenOpen(connection, lost)
  for await (const { topic, event } of stream) if (event) void translate(connection, topic, event.value, emit).catch(lost)
}

/** A later call on the same connection is answered: then the subscription is in place, and what was missed can be listed. */
const announceWhenOpen = (connection: CriConnection, lost: () => void) => void connection.call(methods.version, {}, 5000).then(lost, () => undefined)

async function translate(connection: CriConnection, topic: string, value: Buffer, emit: Emit): Promise<void> {
  if (topic.startsWith('/images/')) return emit({ type: 'image-changed', id: decode(subjectEvent, value).id })
  if (topic === '/containers/delete') return emit({ type: 'container-deleted', id: decode(subjectEvent, value).id })
  if (topic === '/tasks/start') return settled(connection, decode(subjectEvent, value).id, 'running', emit)
  const { containerId, execId } = decode(taskExit, value)
  if (execId === '' || execId === containerId) await settled(connection, containerId, 'exited', emit)
}

async function settled(connection: CriConnection, id: string, state: 'running' | 'exited', emit: Emit): Promise<void> {
  for (const pause of settleSteps) {
    const found = await unlessGone(connection.call(methods.containerStatus, { id }), undefined)
    if (!found) return settledSandbox(connection, id, state, emit)
    const now = found.status?.state
    if (now === 'exited' || now === state) return emit({ type: now === 'exited' ? 'container-stopped' : 'container-started', id })
    await wait(pause)
  }
  emit({ type: state === 'exited' ? 'container-stopped' : 'container-started', id })
}

async function settledSandbox(connection: CriConnection, id: string, state: 'running' | 'exited', emit: Emit): Promise<void> {
  if (state === 'running') return
  for (const pause of settleSteps) {
    const found = await unlessGone(connection.call(methods.sandboxStatus, { id }), undefined)
    if (found?.status?.state !== 'ready') break
    await wait(pause)
  }
  emit({ type: 'sandbox-stopped', id })
}
