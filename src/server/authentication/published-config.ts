// The ConfigMap kube-system/extension-apiserver-authentication, by which extension API servers learn whose word to take (KEP-1605; kube-aggregator).
import { isDeepStrictEqual } from 'node:util'
import { configmaps } from '../../api/refs.ts'
import { isNotFound } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'

interface PublishedAuthentication {
  /** PEM. */
  clientAuthority: string
  requestHeaderAuthority: string
  proxyNames: readonly string[]
}

const name = 'extension-apiserver-authentication'
const namespace = 'kube-system'

/** Creates or corrects it. The namespace must be there. */
export async function publishAuthentication(client: Client, options: PublishedAuthentication): Promise<void> {
  const data = {
    'client-ca-file': options.clientAuthority,
    'requestheader-allowed-names': JSON.stringify(options.proxyNames),
    'requestheader-client-ca-file': options.requestHeaderAuthority,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  }
  const kept = client.resource(configmaps, namespace)
  try {
    const now = await kept.get(name)
    if (!isDeepStrictEqual({ ...now.data }, data)) await kept.update({ ...now, data })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await kept.create({ metadata: { name, namespace }, data })
  }
}
