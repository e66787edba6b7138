import { expect, test } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import { FakeRuntime } from '../../runtime/fake.ts'
import { defaultSettings, type ImageSettings } from '../settings/settings.ts'
import { createImageCollector } from './image-collector.ts'

function open(settings: Partial<ImageSettings>, used: string[] = []) {
  const clock = new FakeClock()
  const runtime = new FakeRuntime({ clock, images: ['old:1', 'used:1', 'pinned:1'] })
  for (const image of runtime.images.values()) if (image.repoTags.some((tag) => tag.includes('pinned'))) image.pinned = true
  const events: string[] = []
  const recorder = { node: (_type: string, reason: string, message: string) => void events.push(`${reason} ${message}`) }
  const collector = createImageCollector({ runtime, clock, recorder, settings: { ...defaultSettings.images, ...settings }, used: () => new Set(used) })
  const left = async () => (await runtime.listImages()).flatMap(({ repoTags }) => repoTags).map((tag) => tag.split('/').at(-1)).sort()
  return { clock, collector, runtime, events, left }
}

test('what is unused goes when it is old enough; what is used or pinned stays', async () => {
  const { clock, collector, left } = open({}, ['used:1'])
  await collector.removeUnused()
  clock.advance(119_000)
  await collector.removeUnused()
  expect(await left()).toEqual(['old:1', 'pinned:1', 'used:1'])
  clock.advance(1000)
  await collector.removeUnused()
  expect(await left()).toEqual(['pinned:1', 'used:1'])
})

test('above the high threshold images go until the low one is reached; what cannot be freed is told, a second time as a failure', async () => {
  const { collector, events, left } = open({ highPercent: 0, lowPercent: 0, minimumAgeMilliseconds: 0 }, ['used:1'])
  await expect(collector.collect()).rejects.toThrow(/^Insufficient free disk space on the node's image filesystem \(\d+% of [\d.]+ [KMGT]iB used\)\. Failed to free sufficient space by deleting unused images \(freed \d+ bytes\)\./)
  expect(await left()).toEqual(['pinned:1', 'used:1'])
  expect(events.map((event) => event.split(' ')[0])).toEqual(['FreeDiskSpaceFailed'])
  await expect(collector.collect()).rejects.toThrow('Insufficient free disk space')
  expect(events.map((event) => event.split(' ')[0])).toEqual(['FreeDiskSpaceFailed', 'FreeDiskSpaceFailed', 'ImageGCFailed'])
})

test('below the high threshold nothing goes, save what is older than the maximum age', async () => {
  const { clock, collector, left } = open({ highPercent: 100, maximumAgeMilliseconds: 3600_000 }, ['used:1'])
  await collector.collect()
  clock.advance(3600_000)
  await collector.collect()
  expect(await left()).toEqual(['old:1', 'pinned:1', 'used:1'])
  clock.advance(1000)
  await collector.collect()
  expect(await left()).toEqual(['pinned:1', 'used:1'])
})
