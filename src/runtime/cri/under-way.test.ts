import { expect, it } from 'vitest'
import { createUnderWay } from './under-way.ts'

it('holds an event back until the call that causes it has been answered, and whoever made the call has heard', async () => {
  const underWay = createUnderWay()
  const call = Promise.withResolvers<void>()
  const order: string[] = []
  const caller = underWay.change('stop-container', 'c', call.promise).then(async () => (await null, order.push('caller')))
  const event = underWay.changed('c').then((kind) => order.push(kind ?? 'nothing'))
  call.resolve()
  await Promise.all([caller, event])
  expect(order).toEqual(['caller', 'stop-container'])
  expect(await underWay.changed('c')).toBeUndefined()
})

it('says nothing of a call that failed', async () => {
  const underWay = createUnderWay()
  const call = underWay.change('start-container', 'c', Promise.reject(new Error('no')))
  expect(await underWay.changed('c')).toBeUndefined()
  await expect(call).rejects.toThrow('no')
})

it('knows a sandbox by the answer that names it', async () => {
  const underWay = createUnderWay()
  const [one, other] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  underWay.newSandbox(one.promise)
  underWay.newSandbox(other.promise).catch(() => {})
  const [own, foreign] = [underWay.isNewSandbox('s'), underWay.isNewSandbox('t')]
  one.resolve('s')
  other.reject(new Error('no'))
  expect([await own, await foreign]).toEqual([true, false])
})
