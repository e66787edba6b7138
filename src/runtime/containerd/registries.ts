// Mirrors and credentials of registries, from a file in k3s's format (docs.k3s.io, private registry configuration), as containerd's hosts.toml.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../../base/read-file.ts'

export interface RegistriesFile {
  mirrors?: Record<string, { endpoint?: string[]; rewrite?: Record<string, string> } | null>
  configs?: Record<string, { auth?: RegistryAuthentication; tls?: RegistryTls } | null>
}

interface RegistryAuthentication {
  username?: string
  password?: string
  auth?: string
  identity_token?: string
}

interface RegistryTls {
  ca_file?: string
  cert_file?: string
  key_file?: string
  insecure_skip_verify?: boolean
}

export interface RegistryCredentials {
  host: string
  username?: string
  password?: string
  auth?: string
  identitytoken?: string
}

/** By registry (`_default` for all others): the text of its hosts.toml. */
export function renderHosts(file: RegistriesFile): Map<string, string> {
  const registries = new Set([...Object.keys(file.mirrors ?? {}), ...Object.keys(file.configs ?? {})].map((name) => (name === '*' ? '_default' : name)))
  return new Map([...registries].map((registry) => [registry, renderRegistry(registry, file)]))
}

function renderRegistry(registry: string, { mirrors = {}, configs = {} }: RegistriesFile): string {
  const server = registry === 'docker.io' ? 'https://registry-1.docker.io' : `https://${registry}`
  const endpoints = mirrors[registry === '_default' ? '*' : registry]?.endpoint ?? []
  const own = configs[registry]?.tls
  const head = registry === '_default' ? '' : `server = ${JSON.stringify(server)}\n${tlsLines(own)}`
  return head + endpoints.map((endpoint) => renderHost(endpoint, configs[hostOf(endpoint)]?.tls)).join('')
}

function renderHost(endpoint: string, tls: RegistryTls | undefined): string {
  const url = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`
  return `\n[host.${JSON.stringify(url)}]\n  capabilities = ["pull", "resolve"]\n${tlsLines(tls)}`
}

function tlsLines(tls: RegistryTls | undefined): string {
  if (!tls) return ''
  const { ca_file: ca, cert_file: certificate, key_file: key, insecure_skip_verify: insecure } = tls
  return [
    ca ? `  ca = ${JSON.stringify(ca)}\n` : '', certificate ? `  client = [[${JSON.stringify(certificate)}, ${JSON.stringify(key ?? '')}]]\n` : '', insecure ? '  skip_verify = true\n' : '',
  ].join('')
}

export function credentialsOf({ configs = {} }: RegistriesFile): RegistryCredentials[] {
  return Object.entries(configs).flatMap(([host, config]) => {
    if (!config?.auth) return []
    const { username, password, auth, identity_token: identitytoken } = config.auth
    return [{ host, username, password, auth, identitytoken }]
  })
}

const hostOf = (endpoint: string) => endpoint.replace(/^https?:\/\//, '').replace(/\/.*$/, '')

/** Nothing when there is no such file. @throws an error of one line when it cannot be read. */
export async function readRegistries(path = '/etc/mk8s/registries.yaml'): Promise<RegistriesFile> {
  const text = readText(path)
  if (text === undefined) return {}
  const { parse } = await import('yaml')
  try {
    return (parse(text) as RegistriesFile | null) ?? {}
  } catch (error) {
    throw new Error(`${path} is not valid YAML: ${(error as Error).message.split('\n')[0]!.replace(/:$/, '')}`)
  }
}

/** The directory that containerd and `ctr` read at each pull. */
export function writeRegistries(directory: string, file: RegistriesFile): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [registry, hosts] of renderHosts(file)) {
    mkdirSync(join(directory, registry), { recursive: true })
    writeFileSync(join(directory, registry, 'hosts.toml'), hosts, { mode: 0o600 })
  }
}
