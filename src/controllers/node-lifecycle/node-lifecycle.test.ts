import { describe, expect, test } from 'vitest'
import type { Lease, Node, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { FakeClock } from '../../base/clock.ts'
import { gracePeriod, planNodeLifecycle } from './plan.ts'
import { SignsOfLife } from './signs-of-life.ts'

const node = (ready: string, heartbeat = '2026-11-30T10:00:00Z') =>
  ({ metadata: { name: 'n1' }, spec: {}, status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: heartbeat }] } }) as unknown as Stored<Node>
const lease = { metadata: { name: 'n1' } } as Stored<Lease>

describe('signs of life', () => {
  const watch = () => {
    const [clock, signs] = [new FakeClock(), new SignsOfLife()]
    const after = (seconds: number, of = node('True')) => (clock.advance(seconds * 1000), signs.silence(of, clock) / 1000)
    after(0)
    return { after, beat: () => signs.leaseSeen(lease, clock) }
  }

  test('Leases and heartbeats of the status count, what a controller writes does not', () => {
    const { after, beat } = watch()
    expect(after(20)).toBe(20)
    beat()
    expect(after(10)).toBe(10)
    expect(after(10, node('True', '2026-11-30T10:05:00Z'))).toBe(0)
    expect(after(10, node('Unknown', '2026-11-30T10:06:00Z'))).toBe(10)
  })

  test('a silence that is noticed in time goes on until the node speaks', () => {
    const { after, beat } = watch()
    expect(after(50)).toBe(50)
    expect(after(300)).toBe(350)
    beat()
    expect(after(1)).toBe(1)
  })

  test('a server that has slept gives every node its time again, once', () => {
    const { after } = watch()
    expect(after(75)).toBe(0)
    expect(after(20)).toBe(20)
    expect(after(30)).toBe(50)
    expect(after(60)).toBe(110)
  })
})

describe('plan', () => {
  const pod = { metadata: { name: 'p', namespace: 'default' }, spec: {}, status: { conditions: [{ type: 'Ready', status: 'True' }] } } as unknown as Stored<Pod>
  const plan = (of: Stored<Node>, silentFor: number, more: { taintedFor?: Map<string, number>; everyNodeSilent?: boolean } = {}) =>
    planNodeLifecycle({ node: of, pods: [pod], silentFor, taintedFor: new Map(), everyNodeSilent: false, ...more }, 0)

  test('a node that speaks is looked at again when its silence would be too long', () => {
    expect(plan(node('True'), 1000)).toEqual({ steps: [], wakeAfter: gracePeriod - 1000 })
  })

  test('one that is silent becomes Unknown, then tainted, and its pods not ready', () => {
    expect(plan(node('True'), gracePeriod).steps).toMatchObject([{ do: 'markUnknown', conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }, ...Array(3).fill({ status: 'Unknown', reason: 'NodeStatusNeverUpdated' })] }])
    const unknown = { ...node('Unknown'), status: { conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({ type, status: 'Unknown' })) } } as Stored<Node>
    const tainted = plan(unknown, gracePeriod).steps
    expect(tainted).toMatchObject([{ do: 'setTaints' }])
    const { taints } = tainted[0] as unknown as { taints: { key: string; effect: string }[] }
    expect(taints).toMatchObject([{ key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' }, { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }])
    const silent = { ...unknown, spec: { taints } } as Stored<Node>
    expect(plan(silent, gracePeriod).steps).toMatchObject([{ do: 'markPodsNotReady', pods: [pod] }, { do: 'evict', pods: [pod] }])
  })
})
