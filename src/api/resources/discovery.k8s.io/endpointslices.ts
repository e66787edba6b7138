import type { EndpointSlice } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, listWithMore, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts'
import { endpointSliceWarnings } from '../networking.k8s.io/warnings.ts'

const ports = (slice: EndpointSlice) => listWithMore((slice.ports ?? []).map((p) => (p.port !== undefined ? String(p.port) : (p.name ?? '*'))), 3) || '<unset>'
const addresses = (slice: EndpointSlice) => listWithMore((slice.endpoints ?? []).flatMap((e) => e.addresses), 3) || '<unset>'

export const endpointslices = defineResource<EndpointSlice>({
  group: 'discovery.k8s.io', kind: 'EndpointSlice', plural: 'endpointslices', singular: 'endpointslice', namespaced: true,
  ...v1('discovery', 'EndpointSlice'),
  generation: 'all',
  defaults(draft) {
    for (const endpoint of draft.endpoints ?? []) endpoint.conditions ??= {}
    for (const port of draft.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  validate: validateEndpointSlice,
  warnings: endpointSliceWarnings,
  validateUpdate: validateEndpointSliceUpdate,
  columns: [nameColumn, text('AddressType', (slice) => slice.addressType), text('Ports', ports), text('Endpoints', addresses), ageColumn],
})
