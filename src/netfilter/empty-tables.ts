// The tables of iptables-nft that are left when the last rule is gone: base chains through which every packet passes for nothing. Those of iptables-legacy go with
// their kernel module only, which others may be using.
import { findExecutable, run } from '../base/child-process.ts'
import type { TableName } from './restore.ts'

interface Chain {
  name: string
  hook?: string
  policy?: string
}

const builtIn = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** An nft script that deletes the table; empty when anything is in it but iptables' own chains as they are at first. Should a rule come meanwhile, nothing is deleted. */
export function renderRemovalOfEmpty(table: TableName, listedAsJson: string): string {
  const { nftables } = JSON.parse(listedAsJson) as { nftables: Record<string, unknown>[] }
  const inside = nftables.filter((item) => !('metainfo' in item || 'table' in item))
  const chains = inside.flatMap(({ chain }) => (chain ? [chain as Chain] : []))
  const isBare = chains.length === inside.length && chains.every(({ name, hook, policy }) => builtIn.has(name) && hook !== undefined && policy === 'accept')
  return isBare ? [...chains.map(({ name }) => `delete chain ip ${table} ${name}`), `delete table ip ${table}`, ''].join('\n') : ''
}

/** Where there is no `nft` they stay; they do nothing. */
export async function removeEmptyTable(table: TableName): Promise<void> {
  if (!findExecutable('nft')) return
  const { code, stdout } = await run('nft', ['--json', 'list', 'table', 'ip', table], { timeoutMilliseconds: 20_000 })
  const script = code === 0 ? renderRemovalOfEmpty(table, stdout) : ''
  if (script) await run('nft', ['--file', '-'], { input: script, timeoutMilliseconds: 20_000 })
}
