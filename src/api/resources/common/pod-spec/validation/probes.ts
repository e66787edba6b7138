// Probes and life-cycle handlers.
import { forbidden, invalid, notSupported, required } from '../../../../field-error.ts'
import type { Container, HTTPGetAction, LifecycleHandler, Probe } from '../../../../generated/types.ts'
import { isHttpHeaderName, isPortName, isPortNumber } from '../../../../names.ts'
import { type Findings, messages, nonNegative } from '../../validation/findings.ts'

type Handler = Pick<Probe & LifecycleHandler, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc' | 'sleep'>

export function* portNumberOrName(field: string, port: number | string | undefined): Findings {
  if (typeof port === 'string') yield* messages(field, port, isPortName(port))
  else yield* messages(field, port ?? 0, isPortNumber(port ?? 0))
}

function* httpGet(field: string, { path, port, scheme, httpHeaders }: HTTPGetAction): Findings {
  if (!path) yield required(`${field}.path`)
  yield* portNumberOrName(`${field}.port`, port)
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') yield notSupported(`${field}.scheme`, scheme ?? '', ['HTTP', 'HTTPS'])
  for (const header of httpHeaders ?? []) yield* messages(`${field}.httpHeaders`, header.name, isHttpHeaderName(header.name))
}

function* sleepAction(field: string, seconds: number, grace: number | undefined): Findings {
  if (grace !== undefined && (seconds < 0 || seconds > grace)) {
    yield invalid(field, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`)
  }
}

function* action(field: string, kind: keyof Handler, { handler, grace }: { handler: Handler; grace: number | undefined }): Findings {
  if (kind === 'exec' && !handler.exec?.command?.length) yield required(`${field}.command`)
  else if (kind === 'httpGet') yield* httpGet(field, handler.httpGet!)
  else if (kind === 'tcpSocket') yield* portNumberOrName(`${field}.port`, handler.tcpSocket?.port)
  else if (kind === 'grpc') yield* portNumberOrName(`${field}.port`, handler.grpc?.port)
  else if (kind === 'sleep') yield* sleepAction(field, handler.sleep?.seconds ?? 0, grace)
}

export function* handlerOf(field: string, handler: Handler, grace: number | undefined): Findings {
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter((kind) => handler[kind])
  for (const [index, kind] of kinds.entries()) {
    if (index > 0) yield forbidden(`${field}.${kind}`, 'may not specify more than 1 handler type')
    else yield* action(`${field}.${kind}`, kind, { handler, grace })
  }
  if (kinds.length === 0) yield required(field, 'must specify a handler type')
}

const counts = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const

function* probeOf(field: string, probe: Probe, grace: number | undefined): Findings {
  yield* handlerOf(field, probe, grace)
  for (const count of counts) yield* nonNegative(`${field}.${count}`, probe[count])
  if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0) {
    yield invalid(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 'must be greater than 0')
  }
}

export function* probes(field: string, { livenessProbe, readinessProbe, startupProbe }: Container, grace: number | undefined): Findings {
  const onceOnly = function* (at: string, probe: Probe | undefined): Findings {
    if (!probe) return
    yield* probeOf(at, probe, grace)
    if (probe.successThreshold !== 1) yield invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1')
  }
  yield* onceOnly(`${field}.livenessProbe`, livenessProbe)
  if (readinessProbe) {
    const at = `${field}.readinessProbe`
    yield* probeOf(at, readinessProbe, grace)
    const own = readinessProbe.terminationGracePeriodSeconds
    if (own !== undefined) yield invalid(`${at}.terminationGracePeriodSeconds`, own, 'must not be set for readinessProbes')
  }
  yield* onceOnly(`${field}.startupProbe`, startupProbe)
}
