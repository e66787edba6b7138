// Can this kernel, with these programs, do what the pod network and the proxy need? Tried for real, in a network namespace that is gone afterwards.
import { run } from '../../base/child-process.ts'
import { renderRestore, type Rule, type TableChange, type TableName } from '../../netfilter/restore.ts'
import { baseChains, hooks } from '../../proxy/base-rules.ts'
import type { Trial } from './surroundings.ts'

/** Beyond the base rules: what services, host ports and masquerading add, and which module of the kernel each needs. */
const features: readonly { module: string; table: TableName; rule: Rule }[] = [
  { module: 'xt_comment', table: 'nat', rule: '-m comment --comment "x" -j RETURN' },
  { module: 'xt_addrtype', table: 'nat', rule: '-m addrtype --dst-type LOCAL -j RETURN' },
  { module: 'xt_mark', table: 'nat', rule: '-j MARK --set-xmark 0x4000/0x4000' },
  { module: 'xt_MASQUERADE', table: 'nat', rule: '-j MASQUERADE --random-fully' },
  { module: 'xt_nat', table: 'nat', rule: '-p tcp -m tcp -j DNAT --to-destination 192.0.2.1:80' },
  { module: 'xt_statistic', table: 'nat', rule: '-m statistic --mode random --probability 0.5 -j RETURN' },
  { module: 'xt_recent', table: 'nat', rule: '-m recent --name mk8s --rcheck --seconds 10 --reap -j RETURN' },
  { module: 'xt_multiport', table: 'nat', rule: '-p tcp -m multiport --dports 80,81 -j RETURN' },
  { module: 'xt_conntrack', table: 'filter', rule: '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' },
  { module: 'ipt_REJECT', table: 'filter', rule: '-j REJECT' },
]

const seconds = 20

export async function tryNetwork(): Promise<Trial> {
  const script = 'ip link add mk8s0 type bridge || exit 101; ip link add mk8s1 type veth peer name mk8s2 || exit 102; exec iptables-restore --noflush'
  const whole = await inNewNamespace(script, wholeRules())
  if (!whole || whole.code === 0) return {}
  const message = whole.stderr.trim().split('\n').at(-1) ?? ''
  if (whole.code === 101) return { failure: { step: 'bridge', message, missingModules: ['bridge'] } }
  if (whole.code === 102) return { failure: { step: 'pair of links', message, missingModules: ['veth'] } }
  return { failure: { step: 'rules', message, missingModules: await missingModules() } }
}

/** Undefined where no namespace can be made: then nothing is known. */
async function inNewNamespace(script: string, input: string): Promise<{ code: number; stderr: string } | undefined> {
  const result = await run('unshare', ['--net', 'sh', '-c', script], { input, timeoutMilliseconds: seconds * 1000 }).catch((error: Error) => ({ code: 1, stderr: error.message }))
  return /^unshare: |spawn unshare/m.test(result.stderr) ? undefined : result
}

function wholeRules(): string {
  const base = baseChains({ clusterCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16' })
  const change = (table: 'nat' | 'filter', empty: readonly string[]): TableChange => ({
    table, deleted: [], removed: [], appended: hooks.filter((hook) => hook.table === table),
    chains: new Map<string, readonly Rule[]>([...base[table], ...empty.map((name): [string, Rule[]] => [name, []]), ['MK8S-TRIAL', features.filter((f) => f.table === table).map(({ rule }) => rule)]]),
  })
  return renderRestore([change('nat', ['KUBE-SERVICES', 'KUBE-NODEPORTS']), change('filter', ['KUBE-EXTERNAL-SERVICES'])])
}

async function missingModules(): Promise<string[]> {
  const missing: string[] = []
  for (const { module, table, rule } of features) {
    const one = renderRestore([{ table, chains: new Map([['MK8S-TRIAL', [rule]]]), deleted: [], appended: [], removed: [] }])
    const result = await inNewNamespace('exec iptables-restore --noflush', one)
    if (result && result.code !== 0) missing.push(module)
  }
  return missing
}
