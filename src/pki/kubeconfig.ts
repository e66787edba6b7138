// A kubeconfig with one cluster, user and context, all called `default`.
import { writeAtomically } from './files.ts'
import type { KeyPair } from './inspect.ts'

interface KubeconfigOptions {
  /** As in `https://127.0.0.1:6443`. */
  server: string
  authority: string
  client: KeyPair
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

export const renderKubeconfig = ({ server, authority, client }: KubeconfigOptions): string => `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(authority)}
    server: ${server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-certificate-data: ${base64(client.certificate)}
    client-key-data: ${base64(client.key)}
`

export const writeKubeconfig = (path: string, options: KubeconfigOptions, mode = 0o600): void => writeAtomically(path, renderKubeconfig(options), mode)
