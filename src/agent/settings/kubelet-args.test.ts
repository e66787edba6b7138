import { expect, test } from 'vitest'
import { parseKubeletArgs } from './kubelet-args.ts'
import { defaultSettings } from './settings.ts'

test('without arguments the kubelet\'s defaults hold', () => {
  expect(parseKubeletArgs([])).toEqual(defaultSettings)
})

test('arguments change what they name; the later of two holds; those given for the eviction replace its defaults', () => {
  const settings = parseKubeletArgs([
    'eviction-hard=memory.available<5%,nodefs.available<1Gi', 'eviction-minimum-reclaim=nodefs.available=500Mi', 'eviction-pressure-transition-period=1m30s', 'image-gc-high-threshold=70', '--image-gc-high-threshold=90',
    'container-log-max-size=20Mi', 'system-reserved=cpu=200m,memory=500Mi', 'kube-reserved=memory=12Mi', 'max-pods=20',
  ])
  expect(settings.eviction.thresholds.map(({ signal }) => signal)).toEqual(['memory.available', 'nodefs.available'])
  expect(settings.eviction.transitionMilliseconds).toBe(90_000)
  expect(settings.images).toEqual({ ...defaultSettings.images, highPercent: 90 })
  expect(settings.logs).toEqual({ maxBytes: 20 * 1024 * 1024, maxFiles: 5 })
  expect(settings.reserved).toEqual({ cpu: 200, memory: 512 * 1024 * 1024 })
  expect(settings.maxPods).toBe(20)
})

test.each([
  ['no-such-flag=1', /^"no-such-flag" has no meaning here; what can be set is container-log-max-files, /],
  ['eviction-hard=memory.available=1Gi', /^eviction-hard: "memory\.available=1Gi" is not of the form NAME<VALUE$/],
  ['eviction-hard=cpu<1', /^eviction: unsupported eviction signal cpu: it is one of memory\.available, /],
  ['eviction-pressure-transition-period=5', /^eviction-pressure-transition-period: time: invalid duration "5"$/],
  ['image-gc-low-threshold=90', /^image-gc-low-threshold 90 is above image-gc-high-threshold 85$/],
  ['image-gc-high-threshold=101', /^image-gc-high-threshold: "101" is not a number from 0 to 100$/],
  ['container-log-max-files=1', /^container-log-max-files: "1" is not a number of at least 2$/],
  ['system-reserved=gpu=1', /^system-reserved: "gpu" cannot be reserved: it is one of cpu, memory, ephemeral-storage, pid$/],
])('%s is refused with a clear line', (arg, message) => {
  expect(() => parseKubeletArgs([arg])).toThrow(message)
})
