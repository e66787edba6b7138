import { expect, test } from 'vitest'
import type { PodSpec } from './generated/types.ts'
import { podAmounts } from './pod-amounts.ts'

const requests = (spec: PodSpec) => podAmounts({ spec }, 'requests')

test('requests: sidecars run beside, init containers alone, pod-level amounts win', () => {
  const container = (cpu: string, restartPolicy?: string) => ({ name: 'c', restartPolicy, resources: { requests: { cpu } } })
  expect(requests({ containers: [container('1'), container('500m')], initContainers: [container('2')] })).toEqual({ cpu: 2000 })
  expect(requests({ containers: [container('1')], initContainers: [container('500m', 'Always'), container('2')] })).toEqual({ cpu: 2500 })
  expect(requests({ containers: [container('1')], resources: { requests: { cpu: '3' } }, overhead: { cpu: '1', memory: '1Ki' } })).toEqual({ cpu: 4000, memory: 1024 })
})
