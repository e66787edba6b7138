// What relying parties read to check service account tokens themselves (OpenID Connect Discovery 1.0).
import { jsonWebKeySet } from '../../pki/jwt.ts'

const openIdConfigurationPath = '/.well-known/openid-configuration'
const jsonWebKeySetPath = '/openid/v1/jwks'

interface OpenIdDocument {
  body: string
  headers: Record<string, string>
}

interface OpenIdOptions {
  issuer: string
  /** As in `https://10.0.0.5:6443`. */
  externalUrl: string
  publicKeys: readonly string[]
}

/** By path. */
export function openIdDocuments({ issuer, externalUrl, publicKeys }: OpenIdOptions): ReadonlyMap<string, OpenIdDocument> {
  const keySet = jsonWebKeySet(publicKeys)
  const configuration = {
    issuer,
    jwks_uri: externalUrl + jsonWebKeySetPath,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keySet.keys.map(({ alg }) => alg))].sort(),
  }
  const document = (value: unknown, type: string): OpenIdDocument => ({
    body: JSON.stringify(value),
    headers: { 'content-type': type, 'cache-control': 'public, max-age=3600' },
  })
  return new Map([
    [openIdConfigurationPath, document(configuration, 'application/json')],
    [jsonWebKeySetPath, document(keySet, 'application/jwk-set+json')],
  ])
}
