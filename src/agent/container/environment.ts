// The environment of a container: envFrom, then env in order with references expanded, then the services.
import type { ConfigMap, Container, EnvVar, Secret } from '../../api/generated/types.ts'
import type { AgentPod } from '../pod/types.ts'
import type { ResourceList } from '../../api/pod-amounts.ts'
import { expand } from './expand.ts'
import { fieldValue, type PodAddresses } from './field-path.ts'
import { resourceFieldValue } from './resource-field.ts'

interface EnvironmentInput {
  pod: AgentPod
  container: Container
  addresses: PodAddresses
  allocatable: ResourceList
  services: Record<string, string>
  /** Undefined when it does not exist. Rejects when it cannot be known. */
  configMap(name: string): Promise<ConfigMap | undefined>
  secret(name: string): Promise<Secret | undefined>
}

/** The configuration cannot be satisfied; the message goes to the container's waiting state. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export async function environment(input: EnvironmentInput): Promise<Record<string, string>> {
  const { container, services } = input
  const own: Record<string, string> = {}
  for (const source of container.envFrom ?? []) Object.assign(own, await readSource(input, source))
  for (const variable of container.env ?? []) {
    const value = variable.value ? expand(variable.value, (name) => own[name] ?? services[name]) : variable.valueFrom ? await readValue(input, variable) : ''
    if (value !== undefined) own[variable.name] = value
  }
  return { ...services, ...own }
}

async function readSource(input: EnvironmentInput, source: NonNullable<Container['envFrom']>[number]): Promise<Record<string, string>> {
  const data = source.configMapRef
    ? (await wanted(input, 'configmap', source.configMapRef.name ?? '', source.configMapRef.optional))?.data
    : source.secretRef
      ? decode((await wanted(input, 'secret', source.secretRef.name ?? '', source.secretRef.optional))?.data)
      : undefined
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [`${source.prefix ?? ''}${key}`, value]))
}

const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')
const decode = (data: Record<string, string> | undefined) => Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, text(value)]))

async function wanted<K extends 'configmap' | 'secret'>(input: EnvironmentInput, kind: K, name: string, optional = false) {
  const found = await (kind === 'configmap' ? input.configMap(name) : input.secret(name))
  if (!found && !optional) throw new ConfigError(`${kind} "${name}" not found`)
  return found as (K extends 'configmap' ? ConfigMap : Secret) | undefined
}

/** Undefined for something optional that is absent. */
async function readValue(input: EnvironmentInput, { valueFrom }: EnvVar): Promise<string | undefined> {
  const { pod, container, allocatable, addresses } = input
  try {
    if (valueFrom?.fieldRef) return fieldValue(pod, valueFrom.fieldRef.fieldPath, addresses)
    if (valueFrom?.resourceFieldRef) return resourceFieldValue({ pod, container, field: valueFrom.resourceFieldRef, allocatable })
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
  if (valueFrom?.configMapKeyRef) {
    const { name = '', key, optional } = valueFrom.configMapKeyRef
    const map = await wanted(input, 'configmap', name, optional)
    return keyed(map?.data?.[key], key, `ConfigMap ${pod.metadata.namespace}/${name}`, optional)
  }
  if (valueFrom?.secretKeyRef) {
    const { name = '', key, optional } = valueFrom.secretKeyRef
    const value = (await wanted(input, 'secret', name, optional))?.data?.[key]
    return keyed(value === undefined ? undefined : text(value), key, `Secret ${pod.metadata.namespace}/${name}`, optional)
  }
  throw new ConfigError('unsupported source of an environment variable')
}

function keyed(value: string | undefined, key: string, where: string, optional = false): string | undefined {
  if (value === undefined && !optional) throw new ConfigError(`couldn't find key ${key} in ${where}`)
  return value
}
