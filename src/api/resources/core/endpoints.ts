import type { Endpoints } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, listWithMore, nameColumn, text } from '../common/columns.ts'
import { validateEndpoints } from './endpoints-validation.ts'
import { endpointsWarnings } from './warnings.ts'

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
  versions: [{ name: 'v1', schema: 'io.k8s.api.core.v1.Endpoints', deprecated: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice' }],
  storageVersion: 'v1',
  generation: 'none',
  allowCreateOnUpdate: true,
  defaults(draft) {
    for (const port of draft.subsets?.flatMap((subset) => subset.ports ?? []) ?? []) port.protocol ||= 'TCP'
  },
  validate: validateEndpoints,
  warnings: endpointsWarnings,
  columns: [nameColumn, text('Endpoints', addresses), ageColumn],
})
