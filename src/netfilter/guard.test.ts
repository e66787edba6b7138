import { describe, expect, test } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { createNetworkGuard, type GuardedPart } from './guard.ts'
import type { Iptables } from './iptables.ts'
import { renderCheck, type PlacedRule } from './restore.ts'

const rule = (chain: string): PlacedRule => ({ table: 'nat', chain, rule: `-j ${chain}-OURS` })

async function guarding(parts: (Partial<GuardedPart> & { name: string })[]) {
  const clock = new FakeClock()
  const restored: string[] = []
  const present = new Set(parts.flatMap((part) => part.rules ?? []))
  const has: Iptables['has'] = async (rules) => rules.every((one) => present.has(one))
  const guard = createNetworkGuard({ iptables: { has } as Iptables, clock, log: silentLogger })
  const letGo = parts.map((part) => guard.keep({ rules: [], restore: async () => void restored.push(part.name), ...part }))
  const running = await guard.start(new AbortController().signal)
  const pass = async () => {
    clock.advance(30_000)
    for (let i = 0; i < 20; i++) await Promise.resolve()
    return restored.splice(0)
  }
  return { pass, present, letGo, stop: () => running.stop(AbortSignal.timeout(1000)) }
}

describe('network guard', () => {
  test('where a rule has gone every part is put back; where something else has, that part only', async () => {
    const [first, second] = [rule('OUTPUT'), rule('FORWARD')]
    let intact = true
    const { pass, present, letGo, stop } = await guarding([{ name: 'one', rules: [first] }, { name: 'two', rules: [second], isIntact: async () => intact }])
    expect(await pass()).toEqual([])
    present.delete(second)
    expect(await pass()).toEqual(['one', 'two'])
    present.add(second)
    intact = false
    expect(await pass()).toEqual(['two'])
    letGo[1]!()
    expect(await pass()).toEqual([])
    present.clear()
    await stop()
    expect(await pass()).toEqual([])
  })

  test('what cannot be put back now is tried again', async () => {
    let tries = 0
    const { pass } = await guarding([{ name: 'one', isIntact: async () => false, restore: async () => { throw new Error(`try ${++tries}`) } }])
    await pass()
    await pass()
    expect(tries).toBe(2)
  })
})

test('rules are looked for in one call, table by table', () => {
  expect(renderCheck([rule('OUTPUT'), { ...rule('FORWARD'), table: 'filter' }, rule('INPUT')])).toBe(
    '*nat\n-C OUTPUT -j OUTPUT-OURS\n-C INPUT -j INPUT-OURS\nCOMMIT\n*filter\n-C FORWARD -j FORWARD-OURS\nCOMMIT\n')
})
