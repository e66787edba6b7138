// Removing everything this product, its proxy and the CNI plug-ins put into netfilter, and nothing else.
import type { Iptables } from './iptables.ts'
import type { TableName } from './restore.ts'

const tables: readonly TableName[] = ['nat', 'filter', 'mangle']
const ours = /^(?:KUBE|MK8S|CNI)-/

/** A restore text that takes our chains and every rule that leads to them out of one table; empty when there are none. */
export function renderCleaning(table: TableName, saved: string): string {
  const chains = [...saved.matchAll(/^:(\S+) /gm)].map((match) => match[1]!).filter((name) => ours.test(name))
  if (chains.length === 0) return ''
  const leading = [...saved.matchAll(/^-A (\S+) (.*)$/gm)].filter(([, chain, rule]) => !ours.test(chain!) && chains.includes(/-[jg] (\S+)/.exec(rule!)?.[1] ?? ''))
  return [`*${table}`, ...chains.map((name) => `:${name} - [0:0]`), ...leading.map(([, chain, rule]) => `-D ${chain} ${rule}`), ...chains.map((name) => `-X ${name}`), 'COMMIT', ''].join('\n')
}

export async function cleanNetfilter(iptables: Iptables): Promise<void> {
  for (const table of tables) await iptables.restore(renderCleaning(table, await iptables.save(table)))
}
