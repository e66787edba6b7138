// One round of a rolling update (source: pkg/controller/daemon/update.go): either old pods make room for new ones, or new ones come first.
import type { DaemonSet, Node, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { Since } from '../../base/clock.ts'
import { scaledValue } from '../common/int-or-percent.ts'
import { isDeleting } from '../common/owner.ts'
import { isAvailable } from '../common/pods.ts'
import { isUpdated, judge, type PodsByNode } from './placement.ts'

interface UpdateInput {
  set: Stored<DaemonSet>
  nodes: readonly Stored<Node>[]
  onNode: PodsByNode
  hash: string
  since: Since
}

interface Update {
  remove: readonly Stored<Pod>[]
  /** Nodes that get a new pod beside the old one. */
  add: readonly string[]
}

interface NodePods {
  node: string
  fits: boolean
  newPod?: Stored<Pod>
  oldPod?: Stored<Pod>
  /** More than one of a sort: another round clears that up. */
  excess: boolean
}

export function planUpdate(input: UpdateInput): Update {
  const { set, nodes, onNode } = input
  const fitting = new Set(nodes.filter((node) => judge(set, node).run).map((node) => node.metadata.name))
  const { maxSurge, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, fitting.size, 'up')
  const unavailable = scaledValue(maxUnavailable, fitting.size, 'up')
  const names = new Set([...onNode.keys(), ...fitting])
  const all = Array.from(names, (node) => pair(input, node, fitting.has(node)))
  const available = (pod: Pod) => isAvailable(pod, set.spec?.minReadySeconds, input.since)
  if (surge > 0) return addFirst(all, surge, fitting.size, available)
  return { remove: removeFirst(all, fitting.size > 0 && unavailable === 0 ? 1 : unavailable, available), add: [] }
}

function pair({ set, onNode, hash }: UpdateInput, node: string, fits: boolean): NodePods {
  const alive = (onNode.get(node) ?? []).filter((pod) => !isDeleting(pod))
  const fresh = alive.filter((pod) => isUpdated(set, pod, hash))
  const old = alive.filter((pod) => !isUpdated(set, pod, hash))
  return { node, fits, newPod: fresh[0], oldPod: old[0], excess: fresh.length > 1 || old.length > 1 }
}

function removeFirst(all: readonly NodePods[], most: number, available: (pod: Pod) => boolean): Stored<Pod>[] {
  const free: Stored<Pod>[] = []
  const candidates: Stored<Pod>[] = []
  let unavailable = 0
  for (const { newPod, oldPod, excess } of all) {
    if (excess || Boolean(newPod) === Boolean(oldPod)) unavailable++
    else if (newPod) unavailable += available(newPod) ? 0 : 1
    else if (available(oldPod!)) candidates.push(oldPod!)
    else {
      free.push(oldPod!)
      unavailable++
    }
  }
  return [...free, ...candidates.slice(0, Math.max(0, most - unavailable))]
}

function addFirst(all: readonly NodePods[], most: number, wanted: number, available: (pod: Pod) => boolean): Update {
  const remove: Stored<Pod>[] = []
  const misplaced: Stored<Pod>[] = []
  const free: string[] = []
  const candidates: string[] = []
  let surging = 0
  let ready = 0
  for (const { node, fits, newPod, oldPod, excess } of all) {
    if (excess) {
      surging++
      continue
    }
    const shown = oldPod ?? newPod
    if (shown && available(shown)) ready++
    if (!oldPod) continue
    if (newPod) available(newPod) ? remove.push(oldPod) : surging++
    else if (available(oldPod)) fits ? candidates.push(node) : misplaced.push(oldPod)
    else fits ? free.push(node) : remove.push(oldPod)
  }
  remove.push(...misplaced.slice(0, Math.max(0, ready - wanted)))
  return { remove, add: [...free, ...candidates.slice(0, Math.max(0, most - surging))] }
}
