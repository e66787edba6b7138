import { expect, test } from 'vitest'
import type { DaemonSet, Node, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { planUpdate } from './update.ts'

const meta = (name: string) => ({ name, namespace: 'a', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })

const set = (rollingUpdate: { maxSurge?: number | string; maxUnavailable?: number | string }): Stored<DaemonSet> => ({
  apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: meta('ds'),
  spec: { selector: {}, template: { spec: { containers: [] } }, updateStrategy: { type: 'RollingUpdate', rollingUpdate } },
})
const node = (name: string): Stored<Node> => ({ apiVersion: 'v1', kind: 'Node', metadata: meta(name) })

/** As in `old`, `new`, `old?` (not ready). */
const pod = (on: string, shape: string): Stored<Pod> => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { ...meta(`${on}-${shape}`), labels: { 'controller-revision-hash': shape.startsWith('new') ? 'h' : 'old' } },
  status: { conditions: [{ type: 'Ready', status: shape.endsWith('?') ? 'False' : 'True' }] },
})

function plan(rollingUpdate: Parameters<typeof set>[0], pods: Record<string, string[]>): string[] {
  const nodes = Object.keys(pods)
  const onNode = new Map(nodes.filter((name) => pods[name]!.length).map((name) => [name, pods[name]!.map((shape) => pod(name, shape))]))
  const { remove, add } = planUpdate({ set: set(rollingUpdate), nodes: nodes.map(node), onNode, hash: 'h', since: () => Infinity })
  return [...remove.map((p) => `-${p.metadata.name}`), ...add.map((name) => `+${name}`)]
}

test.each<[string, string[], string[]]>([
  ['one old pod goes at a time', plan({ maxUnavailable: 1, maxSurge: 0 }, { a: ['old'], b: ['old'] }), ['-a-old']],
  ['none goes while another is not ready', plan({ maxUnavailable: 1, maxSurge: 0 }, { a: ['new?'], b: ['old'] }), []],
  ['old pods that are not ready go at once', plan({ maxUnavailable: 1, maxSurge: 0 }, { a: ['old?'], b: ['old?'], c: ['old'] }), ['-a-old?', '-b-old?']],
  ['a percentage is rounded up', plan({ maxUnavailable: '50%', maxSurge: 0 }, { a: ['old'], b: ['old'], c: ['old'] }), ['-a-old', '-b-old']],
  ['a new pod comes beside the old one', plan({ maxSurge: 1, maxUnavailable: 0 }, { a: ['old'], b: ['old'] }), ['+a']],
  ['the old one goes when the new one is ready', plan({ maxSurge: 1, maxUnavailable: 0 }, { a: ['old', 'new'], b: ['old'] }), ['-a-old', '+b']],
  ['and stays while it is not', plan({ maxSurge: 1, maxUnavailable: 0 }, { a: ['old', 'new?'], b: ['old'] }), []],
])('%s', (_name, actual, expected) => expect(actual).toEqual(expected))
