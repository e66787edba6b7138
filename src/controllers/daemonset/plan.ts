// DaemonSets: one pod on every node that fits (source: pkg/controller/daemon).
import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import { controllerrevisions, daemonsets, pods as podsRef } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { LabelSelector } from '../../api/selector.ts'
import type { Since } from '../../base/clock.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { claim, claimSteps, isDeleting, type ClaimStep } from '../common/owner.ts'
import { earliest, isAvailable, isReady, millisecondsOf, nextAvailability } from '../common/pods.ts'
import type { PodStep } from '../common/pod-steps.ts'
import { historyOf, historySteps, surplusRevisions, type RevisionStep } from '../common/revisions.ts'
import { statusSteps, type StatusStep } from '../common/status.ts'
import { daemonPod, hashLabel, isUpdated, judge, type PodsByNode, targetNode } from './placement.ts'
import { planUpdate } from './update.ts'

interface Observed {
  set: Stored<DaemonSet>
  selector: LabelSelector
  /** Under the set's control, and those of its namespace under nobody's; the same for revisions. */
  pods: readonly Stored<Pod>[]
  revisions: readonly Stored<ControllerRevision>[]
  nodes: readonly Stored<Node>[]
  /** For how many milliseconds a failed pod on a node must not be replaced yet. */
  waitOn(node: string): number
}

type DaemonStep =
  | ClaimStep
  | PodStep
  | StatusStep
  | RevisionStep
  | { do: 'reportEnded'; set: Stored<DaemonSet>; pod: Stored<Pod>; node: string }
  | { do: 'refuse'; set: Stored<DaemonSet> }

const ref = daemonsets as ResourceRef
const mostAtOnce = 250

export function planDaemonSet(observed: Observed, _now: number, since: Since): Plan<DaemonStep> {
  const { set, selector, nodes } = observed
  if (selector.empty) return { steps: [{ do: 'refuse', set }] }
  if (isDeleting(set)) return nothingToDo
  const pods = claim(set, selector, observed.pods)
  const revisions = claim(set, selector, observed.revisions)
  const claims = [...claimSteps(pods, podsRef as ResourceRef, set, ref), ...claimSteps(revisions, controllerrevisions as ResourceRef, set, ref)]
  const history = historyOf(set, revisions.mine)
  const written = historySteps(history, set, ref, hashLabel)
  if (!history.current) return { steps: [...claims, ...written] }
  const hash = history.current.metadata.labels?.[hashLabel] ?? ''
  const onNode = byNode(pods.mine.filter((pod) => !(isFinished(pod) && isDeleting(pod))))
  const managed = manage(observed, onNode, hash, since)
  const rolls = managed.steps.length === 0 && set.spec?.updateStrategy?.type !== 'OnDelete'
  const update = rolls ? planUpdate({ set, nodes, onNode, hash, since }) : { remove: [], add: [] }
  const changes = [...managed.steps, ...creations(set, update.add, hash), ...update.remove.map((pod): PodStep => ({ do: 'deletePod', pod, owner: set }))]
  const used = new Set(pods.mine.map((pod) => pod.metadata.labels?.[hashLabel]))
  return {
    steps: [
      ...claims, ...written, ...managed.reports, changes.slice(0, mostAtOnce),
      ...surplusRevisions(history, set.spec?.revisionHistoryLimit ?? 10, (revision) => used.has(revision.metadata.labels?.[hashLabel])),
    ],
    last: () => statusSteps<DaemonSet>(daemonsets, set, statusOf(set, nodes, onNode, hash, since)),
    wakeAfter: earliest(managed.wakeAfter, nextAvailability(pods.mine, set.spec?.minReadySeconds, since)),
  }
}

function byNode(pods: readonly Stored<Pod>[]): PodsByNode {
  const onNode = new Map<string, Stored<Pod>[]>()
  for (const pod of pods) {
    const node = targetNode(pod)
    if (node === undefined) continue
    onNode.set(node, [...(onNode.get(node) ?? []), pod])
  }
  return onNode
}

const creations = (set: Stored<DaemonSet>, nodes: readonly string[], hash: string): PodStep[] =>
  nodes.map((node) => ({ do: 'createPod', pod: daemonPod(set, node, hash), owner: set, ownerRef: ref }))

interface Managed {
  steps: PodStep[]
  reports: DaemonStep[]
  wakeAfter: number | undefined
}

/** Pods where there are none, none where there should be none, one where there are several. */
function manage({ set, nodes, waitOn }: Observed, onNode: PodsByNode, hash: string, since: Since): Managed {
  const add: string[] = []
  const remove: Stored<Pod>[] = []
  const reports: DaemonStep[] = []
  let wakeAfter: number | undefined
  for (const node of nodes) {
    const { name } = node.metadata
    const { run, stay } = judge(set, node)
    const pods = onNode.get(name)
    const alive = (pods ?? []).filter((pod) => !isDeleting(pod))
    if (run && !pods) add.push(name)
    else if (!stay) remove.push(...alive)
    else {
      for (const pod of alive.filter(isFinished)) {
        const wait = pod.status?.phase === 'Failed' ? waitOn(name) : 0
        if (wait > 0) wakeAfter = earliest(wakeAfter, wait)
        else {
          remove.push(pod)
          reports.push({ do: 'reportEnded', set, pod, node: name })
        }
      }
      const running = alive.filter((pod) => !isFinished(pod)).sort(older)
      if (!surges(set)) remove.push(...running.slice(1))
      else if (running.length === 0 && run && pods) add.push(name)
      else remove.push(...surplusOnNode(set, running, hash, since))
    }
  }
  const known = new Set(nodes.map((node) => node.metadata.name))
  for (const [node, pods] of onNode) if (!known.has(node)) remove.push(...pods.filter((pod) => !pod.spec?.nodeName && !isDeleting(pod)))
  return { steps: [...creations(set, add, hash), ...remove.map((pod): PodStep => ({ do: 'deletePod', pod, owner: set }))], reports, wakeAfter }
}

const surges = (set: DaemonSet): boolean => {
  const surge = set.spec?.updateStrategy?.rollingUpdate?.maxSurge
  return set.spec?.updateStrategy?.type !== 'OnDelete' && surge !== undefined && surge !== 0 && surge !== '0%'
}

/** While surging a node may have one old and one new pod. */
function surplusOnNode(set: Stored<DaemonSet>, running: readonly Stored<Pod>[], hash: string, since: Since): Stored<Pod>[] {
  if (running.length <= 1) return []
  const isNew = (pod: Pod) => pod.metadata?.labels?.[hashLabel] === hash
  const newest = running.find(isNew)
  const old = running.find((pod) => !isNew(pod))
  const surplus = running.filter((pod) => pod !== newest && pod !== old)
  if (newest && old && (!isReady(old) || isAvailable(newest, set.spec?.minReadySeconds, since))) surplus.push(old)
  return surplus
}

const older = (a: Stored<Pod>, b: Stored<Pod>): number =>
  Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName)) ||
  millisecondsOf(a.metadata.creationTimestamp) - millisecondsOf(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1)

function statusOf(set: Stored<DaemonSet>, nodes: readonly Stored<Node>[], onNode: PodsByNode, hash: string, since: Since): DaemonSetStatus {
  const judged = nodes.map((node) => ({ run: judge(set, node).run, pod: [...(onNode.get(node.metadata.name) ?? [])].sort(older)[0] }))
  const wanted = judged.filter(({ run }) => run)
  const there = wanted.flatMap(({ pod }) => (pod ? [pod] : []))
  const available = there.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds, since)).length
  const optional = {
    updatedNumberScheduled: there.filter((pod) => isUpdated(set, pod, hash)).length, numberAvailable: available, numberUnavailable: wanted.length - available,
    collisionCount: set.status?.collisionCount ?? 0, observedGeneration: set.metadata.generation ?? 0,
  }
  return {
    desiredNumberScheduled: wanted.length, currentNumberScheduled: there.length, numberMisscheduled: judged.filter(({ run, pod }) => !run && pod).length,
    numberReady: there.filter(isReady).length, ...Object.fromEntries(Object.entries(optional).filter(([, n]) => n > 0)),
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  }
}
