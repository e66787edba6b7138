// The first entry of an archive: what is in it, of which machine, and a checksum of everything else.
import { BackupError } from './backup-error.ts'

export const manifestName = 'manifest.json'
const format = 'mk8s-backup'
const formatVersion = 1

export interface FileFacts {
  bytes: number
  /** Hex. */
  sha256: string
  mode: number
}

export interface Manifest {
  /** Versions of mk8s and of the API it served. */
  mk8s: string
  kubernetes: string
  /** RFC 3339. */
  created: string
  node: { name: string }
  dataDirectory: string
  /** No revision beyond this had been handed out. */
  revision: number
  files: Readonly<Record<string, FileFacts>>
}

export const renderManifest = (manifest: Manifest): string => JSON.stringify({ format, version: formatVersion, ...manifest }, null, 2) + '\n'

/** @throws BackupError */
export function parseManifest(text: string): Manifest {
  const parsed = parseJson(text)
  if (parsed?.format !== format) throw new BackupError('this is no back-up made by mk8s: its manifest says something else')
  if (typeof parsed.version !== 'number' || parsed.version > formatVersion) {
    throw new BackupError(`the back-up was made by a newer mk8s (${String(parsed.mk8s)}, format ${String(parsed.version)}; this one knows ${formatVersion}): restore it with that version`)
  }
  const manifest = parsed as unknown as Manifest
  if (!Number.isSafeInteger(manifest.revision) || typeof manifest.node?.name !== 'string' || typeof manifest.files !== 'object') throw new BackupError('the back-up is damaged: its manifest is not complete')
  return manifest
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** What was unpacked must be exactly what the manifest lists. @throws BackupError */
export function checkFiles(manifest: Manifest, unpacked: ReadonlyMap<string, FileFacts>): void {
  for (const [name, expected] of Object.entries(manifest.files)) {
    const found = unpacked.get(name)
    if (!found) throw new BackupError(`the back-up is damaged: ${name} is missing`)
    if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256) throw new BackupError(`the back-up is damaged: ${name} is not what was backed up`)
  }
  for (const name of unpacked.keys()) if (!Object.hasOwn(manifest.files, name)) throw new BackupError(`the back-up was changed: ${name} is not in its manifest`)
}
