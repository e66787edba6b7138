// The pause image as an OCI archive made in memory (source: OCI image specification). The same bytes each time, so its digests never change.
import { createHash } from 'node:crypto'
import { pauseProgram, type Architecture } from './program.ts'

/** Not a registry's name: nobody else can publish under it. */
export const defaultPauseImage = 'mk8s.local/pause:1'

export function pauseImageArchive(name: string, architecture: Architecture): Buffer {
  const layer = tarArchive([{ name: 'pause', mode: 0o755, content: pauseProgram(architecture) }])
  const config = json({
    architecture, os: 'linux', config: { Entrypoint: ['/pause'], User: '65535:65535' }, rootfs: { type: 'layers', diff_ids: [digest(layer)] }, history: [{ created_by: 'mk8s' }],
  })
  const manifest = json({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  })
  const entry = { ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), platform: { architecture, os: 'linux' }, annotations: { 'io.containerd.image.name': name } }
  const blobs = [config, manifest, layer].map((content) => ({ name: `blobs/sha256/${digest(content).slice(7)}`, mode: 0o644, content }))
  return tarArchive([
    { name: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', mode: 0o644, content: json({ schemaVersion: 2, manifests: [entry] }) },
    ...blobs,
  ])
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const digest = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`
const descriptor = (mediaType: string, content: Buffer) => ({ mediaType, digest: digest(content), size: content.length })

interface TarEntry {
  name: string
  mode: number
  content: Buffer
  /** Makes it a symbolic link to this. */
  link?: string
}

/** A ustar archive (source: POSIX pax). Names up to 100 bytes. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ content, ...entry }) => [tarHeader(entry, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function tarHeader({ name, mode, link }: Omit<TarEntry, 'content'>, size: number): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, at: number, length: number) => header.write(value.toString(8).padStart(length - 1, '0'), at)
  header.write(name, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  header.write(`        ${link ? 2 : 0}${link ?? ''}`, 148)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(sum.toString(8).padStart(6, '0') + '\0 ', 148)
  return header
}
