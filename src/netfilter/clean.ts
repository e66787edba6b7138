// Removing everything this product, its proxy and the CNI plug-ins put into netfilter for it, and nothing else.
import { findExecutable } from '../base/child-process.ts'
import { readIfThere } from '../base/read-file.ts'
import { removeEmptyTable } from './empty-tables.ts'
import { createIptables } from './iptables.ts'
import type { TableName } from './restore.ts'

const tables: readonly TableName[] = ['nat', 'filter', 'mangle']
const hostPorts = 'CNI-HOSTPORT-DNAT'

/** A restore text that takes our chains and every rule that leads to them out of one table; empty when there are none. `network`: the name of ours among CNI's. */
export function renderCleaning(table: TableName, saved: string, network: string): string {
  const all = [...saved.matchAll(/^-A (\S+) (.*)$/gm)].map(([, chain, rule]) => ({ chain: chain!, rule: rule!, target: /-[jg] (\S+)/.exec(rule!)?.[1] ?? '' }))
  const foreign = new Set(all.filter(({ chain, rule }) => chain === hostPorts && !rule.includes(`name: \\"${network}\\"`)).map(({ target }) => target))
  const isOurs = (name: string) => /^(?:KUBE|MK8S)-/.test(name) || (name.startsWith('CNI-DN-') && !foreign.has(name)) || (name.startsWith('CNI-HOSTPORT-') && foreign.size === 0)
  const chains = [...saved.matchAll(/^:(\S+) /gm)].map((match) => match[1]!).filter(isOurs)
  if (chains.length === 0) return ''
  const leading = all.filter(({ chain, target }) => !isOurs(chain) && chains.includes(target))
  return [`*${table}`, ...chains.map((name) => `:${name} - [0:0]`), ...leading.map(({ chain, rule }) => `-D ${chain} ${rule}`), ...chains.map((name) => `-X ${name}`), 'COMMIT', ''].join('\n')
}

/** Both kinds of tables are looked at: the machine's choice may have changed since the rules were written. @returns whether there was anything. */
export async function cleanNetfilter(network: string): Promise<boolean> {
  // asking for a legacy table makes it
  const legacy = readIfThere('/proc/net/ip_tables_names').split('\n')
  const kinds = [['iptables-nft', tables], ['iptables-legacy', tables.filter((table) => legacy.includes(table))]] as const
  const usable = kinds.filter(([name]) => findExecutable(name))
  let removed = false
  for (const [name, present] of usable.length > 0 ? usable : [['iptables', tables] as const]) {
    const iptables = createIptables(name)
    for (const table of present) {
      const text = renderCleaning(table, await iptables.save(table), network)
      if (text === '') continue
      await iptables.restore(text)
      if (name !== 'iptables-legacy') await removeEmptyTable(table)
      removed = true
    }
  }
  return removed
}
