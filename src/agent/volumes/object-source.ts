// ConfigMaps and Secrets as files.
import type { KeyToPath } from '../../api/generated/types.ts'
import type { WatchedKind } from '../references/watched-objects.ts'
import type { OpenRequest } from './plugin.ts'
import type { Files, SourceOf } from './payload-volume.ts'
import { VolumeError } from './volume.ts'

interface ObjectSource {
  kind: WatchedKind
  name: string
  items?: readonly KeyToPath[]
  optional?: boolean
  defaultMode: number
}

export function objectSource({ pod, services }: OpenRequest, { kind, name, items, optional = false, defaultMode }: ObjectSource): SourceOf {
  return (changed) => {
    const watched = services.watched.acquire(kind, pod.metadata.namespace, name, changed)
    return {
      async read() {
        const object = await watched.current().catch((error: Error) => {
          throw new VolumeError(error.message)
        })
        if (!object) {
          if (optional) return new Map()
          throw new VolumeError(`${kind.toLowerCase()} ${JSON.stringify(name)} not found`)
        }
        const binary = 'binaryData' in object ? object.binaryData : kind === 'Secret' ? object.data : undefined
        const data = new Map<string, Buffer>()
        if (kind === 'ConfigMap') for (const [key, text] of Object.entries(object.data ?? {})) data.set(key, Buffer.from(text))
        for (const [key, base64] of Object.entries(binary ?? {})) data.set(key, Buffer.from(base64, 'base64'))
        return chosen(data, items, { kind, optional, defaultMode })
      },
      close: () => watched.release(),
    }
  }
}

function chosen(data: ReadonlyMap<string, Buffer>, items: readonly KeyToPath[] | undefined, source: Pick<ObjectSource, 'kind' | 'optional' | 'defaultMode'>): Files {
  if (!items?.length) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode: source.defaultMode }]))
  const files: Files = new Map()
  for (const { key, path, mode } of items) {
    const bytes = data.get(key)
    if (bytes) files.set(path, { data: bytes, mode: mode ?? source.defaultMode })
    else if (!source.optional) throw new VolumeError(`references non-existent ${source.kind === 'ConfigMap' ? 'config' : 'secret'} key: ${key}`)
  }
  return files
}
