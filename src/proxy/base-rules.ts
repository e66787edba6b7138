// What every node has, services or none: the hooks into the built-in chains, masquerading, and the refusal of what nothing serves.
import type { PlacedRule, Rule } from '../netfilter/restore.ts'

export interface BaseRulesOptions {
  clusterCidr: string
  serviceCidr: string
}

/** The bit that says: masquerade this connection. */
const mark = '0x4000/0x4000'
const note = (text: string) => `-m comment --comment "${text}"`

/** Hooks that are put in front of what stands in the built-in chains; their order among each other does not matter. */
export const hooks: readonly PlacedRule[] = [
  ...['PREROUTING', 'OUTPUT'].flatMap((chain) => [
    { table: 'nat' as const, chain, rule: `${note('kubernetes service portals')} -j KUBE-SERVICES` },
    { table: 'nat' as const, chain, rule: `-m addrtype --dst-type LOCAL ${note('kubernetes service nodeports')} -j KUBE-NODEPORTS` },
  ]),
  { table: 'nat', chain: 'POSTROUTING', rule: `${note('kubernetes postrouting rules')} -j KUBE-POSTROUTING` },
  { table: 'filter', chain: 'FORWARD', rule: `${note('kubernetes forwarding rules')} -j KUBE-FORWARD` },
  { table: 'filter', chain: 'OUTPUT', rule: `${note('kubernetes unserved services')} -j KUBE-UNSERVED` },
  { table: 'filter', chain: 'INPUT', rule: `${note('kubernetes unserved services')} -j KUBE-EXTERNAL-SERVICES` },
]

/** The chains to which services add rules of their own, by table. */
export const dispatchChains = { services: ['nat', 'KUBE-SERVICES'], nodePorts: ['nat', 'KUBE-NODEPORTS'], rejected: ['filter', 'KUBE-EXTERNAL-SERVICES'] } as const

export function baseChains({ clusterCidr, serviceCidr }: BaseRulesOptions): Record<'nat' | 'filter', Map<string, Rule[]>> {
  return {
    nat: new Map([
      ['KUBE-MARK-MASQ', [`-j MARK --set-xmark ${mark}`]],
      ['KUBE-POSTROUTING', [`-m mark ! --mark ${mark} -j RETURN`, '-j MARK --set-xmark 0x4000/0x0', `${note('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`]],
    ]),
    filter: new Map([
      ['KUBE-FORWARD', [
        '-m conntrack --ctstate INVALID -j DROP',
        '-j KUBE-UNSERVED',
        `-m mark --mark ${mark} -j ACCEPT`,
        '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        `-s ${clusterCidr} -j ACCEPT`,
        `-d ${clusterCidr} -j ACCEPT`,
      ]],
      ['KUBE-UNSERVED', ['-j KUBE-EXTERNAL-SERVICES', `-d ${serviceCidr} ${note('no service has this address and port')} -j REJECT`]],
    ]),
  }
}
