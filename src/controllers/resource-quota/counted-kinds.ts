// Views of the kinds that quotas count, made when the first quota asks for one: most clusters have no quotas, and then nothing is watched.
import type { KubeObject, Stored } from '../../api/object.ts'
import { trackedNames } from '../../api/quota.ts'
import { builtinResources } from '../../api/resources/index.ts'
import type { ResourceDefinition, ResourceRef } from '../../api/resource.ts'
import type { Informer, InformerFactory } from '../../client/informer.ts'
import { canonical } from '../common/hash.ts'

interface CountedKinds {
  /** By kind, as in `replicasets.apps`: the views of all kinds that one of the names counts; resolves when they are complete. */
  forNames(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Informer<KubeObject>>>
  /** `listener` hears of every object of a counted kind that goes or may count differently. */
  onChange(listener: (kind: string, object: Stored) => void): void
}

const kindOf = ({ group, plural }: ResourceDefinition) => (group ? `${plural}.${group}` : plural)
const refOf = ({ group, plural, kind, namespaced, storageVersion }: ResourceDefinition): ResourceRef => ({ group, version: storageVersion, plural, kind, namespaced })
const countable = new Map(builtinResources.filter(({ namespaced, storedAs, verbs }) => namespaced && !storedAs && !verbs)
  .map((definition) => [kindOf(definition), refOf(definition)]))

export function createCountedKinds({ informer }: InformerFactory): CountedKinds {
  const views = new Map<string, Informer<KubeObject>>()
  const listeners: ((kind: string, object: Stored) => void)[] = []
  const viewOf = (kind: string, ref: ResourceRef): Informer<KubeObject> => {
    const known = views.get(kind)
    if (known) return known
    const view = informer(ref)
    views.set(kind, view)
    view.onChange((before, now) => {
      // admission has counted what comes; to sum up now would forget what it has let in but nobody sees yet
      if (!before || (now && !countsDifferently(before, now))) return
      for (const listener of listeners) listener(kind, now ?? before)
    })
    return view
  }
  return {
    async forNames(names, signal) {
      const wanted = [...countable].filter(([kind]) => trackedNames(kind, names).length > 0).map(([kind, ref]) => [kind, viewOf(kind, ref)] as const)
      await Promise.all(wanted.map(([, view]) => view.whenSynced(signal)))
      return new Map(wanted)
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

/** Most updates change nothing that is counted: a pod's heartbeat, a status, the usage that admission notes in a quota. */
function countsDifferently(before: Stored, now: Stored): boolean {
  const [was, is] = [before, now] as readonly Countable[]
  if (was!.metadata.deletionTimestamp !== is!.metadata.deletionTimestamp || was!.status?.phase !== is!.status?.phase) return true
  const counted = ({ spec, status }: Countable) => canonical([spec ?? null, status?.allocatedResources ?? null])
  const { generation } = is!.metadata
  return generation === undefined ? counted(was!) !== counted(is!) : generation !== was!.metadata.generation
}

interface Countable extends Stored {
  spec?: unknown
  status?: { phase?: string; allocatedResources?: unknown }
}
