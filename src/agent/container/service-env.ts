// Variables that name the services of a namespace (source: k8s.io/kubernetes pkg/kubelet/envvars).
import type { Service } from '../../api/generated/types.ts'

const variable = (name: string) => name.replaceAll('-', '_').toUpperCase()
const hostPort = (ip: string, port: number) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)
const hasAddress = (service: Service) => !['', 'None', undefined].includes(service.spec?.clusterIP)

/** `kubernetes` of the default namespace always, the namespace's own services when links are wanted. */
export function serviceVariables(services: readonly Service[], namespace: string, links: boolean): Record<string, string> {
  const chosen = new Map<string, Service>()
  for (const service of services) {
    if (!hasAddress(service)) continue
    const { name = '', namespace: of } = service.metadata ?? {}
    if (of === namespace && links) chosen.set(name, service)
    else if (of === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service)
  }
  return Object.assign({}, ...[...chosen.values()].map(variablesOf))
}

function variablesOf({ metadata, spec }: Service): Record<string, string> {
  const prefix = variable(metadata?.name ?? '')
  const ip = spec?.clusterIP ?? ''
  const ports = spec?.ports ?? []
  const variables: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: ip }
  if (ports[0]) variables[`${prefix}_SERVICE_PORT`] = String(ports[0].port)
  for (const { name, port } of ports) if (name) variables[`${prefix}_SERVICE_PORT_${variable(name)}`] = String(port)
  ports.forEach(({ port, protocol = 'TCP' }, index) => {
    const url = `${protocol.toLowerCase()}://${hostPort(ip, port)}`
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    if (index === 0) variables[`${prefix}_PORT`] = url
    Object.assign(variables, { [link]: url, [`${link}_PROTO`]: protocol.toLowerCase(), [`${link}_PORT`]: String(port), [`${link}_ADDR`]: ip })
  })
  return variables
}
