// Changes to iptables as values, and their text for `iptables-restore --noflush`: each table's part is committed by the kernel as a whole.

export type TableName = 'filter' | 'nat' | 'mangle' | 'raw'

/** A rule without its chain: `-d 10.43.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-X`. */
export type Rule = string

/** A rule in its place. */
export interface PlacedRule {
  table: TableName
  chain: string
  rule: Rule
}

export interface TableChange {
  table: TableName
  /** Makes each chain, or empties it, and fills it with these rules. */
  chains: ReadonlyMap<string, readonly Rule[]>
  /** Rules to take from and to add at the end of chains that are not in `chains`; removals come first. */
  deleted: readonly { chain: string; rule: Rule }[]
  appended: readonly { chain: string; rule: Rule }[]
  /** Chains to delete. No other rule may jump to them any more. */
  removed: readonly string[]
}

export function renderRestore(changes: readonly TableChange[]): string {
  return changes.filter((change) => !isEmpty(change)).map(renderTable).join('')
}

/** A text that is refused where one of the rules is missing, and changes nothing. */
export function renderCheck(rules: readonly PlacedRule[]): string {
  return [...Map.groupBy(rules, ({ table }) => table)].map(([table, ofTable]) => [`*${table}`, ...ofTable.map(({ chain, rule }) => `-C ${chain} ${rule}`), 'COMMIT', ''].join('\n')).join('')
}

const isEmpty = (change: TableChange): boolean =>
  change.chains.size === 0 && change.deleted.length === 0 && change.appended.length === 0 && change.removed.length === 0

function renderTable({ table, chains, deleted, appended, removed }: TableChange): string {
  const lines = [`*${table}`]
  for (const chain of [...chains.keys(), ...removed]) lines.push(`:${chain} - [0:0]`)
  for (const { chain, rule } of deleted) lines.push(`-D ${chain} ${rule}`)
  for (const [chain, rules] of chains) for (const rule of rules) lines.push(`-A ${chain} ${rule}`)
  for (const { chain, rule } of appended) lines.push(`-A ${chain} ${rule}`)
  for (const chain of removed) lines.push(`-X ${chain}`)
  return lines.concat('COMMIT', '').join('\n')
}
