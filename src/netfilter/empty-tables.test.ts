import { expect, test } from 'vitest'
import { renderRemovalOfEmpty } from './empty-tables.ts'

const chain = (name: string, more: object = {}) => ({ chain: { family: 'ip', table: 'nat', name, type: 'nat', hook: 'output', prio: -100, policy: 'accept', ...more } })
const listing = (...items: object[]) => JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, { table: { family: 'ip', name: 'nat' } }, ...items] })

test('a table with nothing but bare chains of iptables goes', () => {
  expect(renderRemovalOfEmpty('nat', listing(chain('PREROUTING'), chain('OUTPUT')))).toBe('delete chain ip nat PREROUTING\ndelete chain ip nat OUTPUT\ndelete table ip nat\n')
})

test.each([
  ['a rule', { rule: { family: 'ip', table: 'nat', chain: 'OUTPUT', expr: [] } }],
  ['a chain of somebody', { chain: { family: 'ip', table: 'nat', name: 'DOCKER' } }],
  ['a hooked chain of somebody', chain('mine')],
  ['a policy', chain('INPUT', { policy: 'drop' })],
  ['a set', { set: { family: 'ip', table: 'nat', name: 's' } }],
])('one with %s stays', (_what, item) => {
  expect(renderRemovalOfEmpty('nat', listing(chain('OUTPUT'), item))).toBe('')
})
