import { expect, test } from 'vitest'
import type { DaemonSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { daemonsets } from '../../api/refs.ts'
import { historyOf, historySteps } from './revisions.ts'

test('a revision holds its template with sorted keys: upstream\'s clients compare its bytes', () => {
  const owner = {
    metadata: { name: 'logs', namespace: 'default', uid: 'u' },
    spec: { template: { metadata: { labels: { app: 'logs' } }, spec: { containers: [{ name: 'c', image: 'i', args: ['z', 'a'] }] } } },
  } as unknown as Stored<DaemonSet>
  const [step] = historySteps(historyOf(owner, []), owner, daemonsets, 'hash')
  expect(step?.do === 'createRevision' && JSON.stringify(step.revision.data))
    .toBe('{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"logs"}},"spec":{"containers":[{"args":["z","a"],"image":"i","name":"c"}]}}}}')
})
