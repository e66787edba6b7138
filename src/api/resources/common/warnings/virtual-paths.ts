// Files of one volume that stand in each other's way (source: pkg/api/pod/warnings.go).
import type { Volume, VolumeProjection } from '../../../generated/types.ts'
import type { Warnings } from './warnings.ts'

interface File {
  path: string
  source: string
}

const quote = (text: string | undefined) => JSON.stringify(text ?? '')
const textOf = ({ path, source }: File) => (source ? `${quote(path)} (${source})` : quote(path))
const within = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`)
const overlap = (a: File, b: File) => (a.path === b.path && a.source === b.source) || within(a.path, b.path) || within(b.path, a.path)

function* overlaps(files: readonly File[]): Generator<string, void> {
  const before: File[] = []
  for (const { path, source } of files) {
    const file = { path: path.replace(/\/+$/, ''), source }
    for (const other of before) if (file.path && other.path && overlap(file, other)) yield `${textOf(file)} with ${textOf(other)}`
    before.push(file)
  }
}

const filesOf = (items: readonly { path: string }[] | undefined, source = ''): File[] => (items ?? []).map(({ path }) => ({ path, source }))

function filesOfProjection(projection: VolumeProjection): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = projection
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${quote(configMap.name)}`)
  if (secret?.items) return filesOf(secret.items, `Secret ${quote(secret.name)}`)
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI')
  if (serviceAccountToken) return [{ path: serviceAccountToken.path, source: 'ServiceAccountToken' }]
  if (clusterTrustBundle) return [{ path: clusterTrustBundle.path, source: `ClusterTrustBundle ${quote(clusterTrustBundle.name ?? clusterTrustBundle.signerName)}` }]
  const parts: [string | undefined, string][] = [
    [podCertificate?.certificateChainPath, 'chain'], [podCertificate?.keyPath, 'key'], [podCertificate?.credentialBundlePath, 'credential bundle'],
  ]
  return parts.flatMap(([path, part]) => (path ? [{ path, source: `PodCertificate ${part}` }] : []))
}

export function* virtualPathWarnings(volumes: readonly Volume[]): Warnings {
  for (const { name, configMap, secret, downwardAPI, projected } of volumes) {
    const sources: [string, readonly File[]][] = [
      [`ConfigMap ${quote(configMap?.name)}`, filesOf(configMap?.items)],
      [`Secret ${quote(secret?.secretName)}`, filesOf(secret?.items)],
      ['DownwardAPI', filesOf(downwardAPI?.items)],
      ['Projected', (projected?.sources ?? []).flatMap(filesOfProjection)],
    ]
    for (const source of projected?.sources ?? []) if (Object.keys(source).length === 0) yield `volume ${quote(name)} (Projected) has no sources provided`
    for (const [source, files] of sources) for (const text of overlaps(files)) yield `volume ${quote(name)} (${source}): overlapping paths: ${text}`
  }
}
