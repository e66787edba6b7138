import { required } from '../../field-error.ts'
import type { EndpointAddress, Endpoints } from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../names.ts'
import { endpointIp } from '../common/validation/endpoint-ip.ts'
import { checked, type Findings, listed } from '../common/validation/findings.ts'
import { legacyIp } from '../common/validation/ip.ts'
import { namedPort } from '../common/validation/ports.ts'

function* address(field: string, { ip, hostname, nodeName }: EndpointAddress): Findings {
  yield* legacyIp(`${field}.ip`, ip)
  if (hostname) yield* checked(`${field}.hostname`, hostname, isDnsLabel)
  if (nodeName !== undefined) yield* checked(`${field}.nodeName`, nodeName, isDnsSubdomain)
  yield* endpointIp(`${field}.ip`, ip)
}

export const validateEndpoints = listed(function* ({ subsets = [] }: Endpoints): Findings {
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const at = `subsets[${index}]`
    if (addresses.length + notReadyAddresses.length === 0) yield required(at, 'must specify `addresses` or `notReadyAddresses`')
    for (const [i, a] of addresses.entries()) yield* address(`${at}.addresses[${i}]`, a)
    for (const [i, a] of notReadyAddresses.entries()) yield* address(`${at}.notReadyAddresses[${i}]`, a)
    for (const [i, port] of ports.entries()) yield* namedPort(`${at}.ports[${i}]`, port, { nameRequired: ports.length > 1 })
  }
})
