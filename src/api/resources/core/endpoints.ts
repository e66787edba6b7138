import type { Endpoints } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, listWithMore, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateEndpoints } from './endpoints-validation.ts'

const hostPort = (ip: string, port: number) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)

function addresses(object: Endpoints): string {
  if (!object.subsets?.length) return '<none>'
  const all = object.subsets.flatMap((subset) => {
    const ips = (subset.addresses ?? []).map((a) => a.ip)
    return subset.ports?.length ? subset.ports.flatMap((p) => ips.map((ip) => hostPort(ip, p.port))) : ips
  })
  return listWithMore(all, 3)
}

export const endpoints = defineResource<Endpoints>({
  group: '', kind: 'Endpoints', plural: 'endpoints', singular: 'endpoints', shortNames: ['ep'], namespaced: true,
  ...v1('core', 'Endpoints'),
  generation: 'none',
  allowCreateOnUpdate: true,
  defaults(draft) {
    for (const port of draft.subsets?.flatMap((subset) => subset.ports ?? []) ?? []) port.protocol ||= 'TCP'
  },
  validate: validateEndpoints,
  columns: [nameColumn, text('Endpoints', addresses), ageColumn],
})
