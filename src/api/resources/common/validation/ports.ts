import { required } from '../../../field-error.ts'
import { isDnsLabel, isPortNumber } from '../../../names.ts'
import { checked, type Findings, messages, oneOf, qualifiedName } from './findings.ts'

interface NamedPort {
  name?: string
  port?: number
  protocol?: string
  appProtocol?: string
}

/** What ports of Services and Endpoints share. */
export function* namedPort(field: string, port: NamedPort, { nameRequired }: { nameRequired: boolean }): Findings {
  if (port.name) yield* checked(`${field}.name`, port.name, isDnsLabel)
  else if (nameRequired) yield required(`${field}.name`)
  yield* messages(`${field}.port`, port.port ?? 0, isPortNumber(port.port ?? 0))
  yield* oneOf(`${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
  if (port.appProtocol !== undefined) yield* qualifiedName(`${field}.appProtocol`, port.appProtocol)
}
