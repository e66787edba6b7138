// Deletion of one object and of collections.
import type { DeleteOptions } from '../../api/generated/types.ts'
import { notFoundError, StatusError } from '../../api/status-error.ts'
import { StorageError } from '../../storage/storage.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Entry } from '../cache/types.ts'
import type { Call } from '../call.ts'
import { keyOf } from '../registry.ts'
import { encodeStored } from './bytes.ts'
import { planDeletion } from './deletion.ts'
import { translateStorageError } from './storage-errors.ts'
import { canonicalStored } from './versions.ts'
import type { Written } from './written.ts'

interface Deleted extends Written {
  /** The object is gone now, not only on its way. */
  gone: boolean
  /** A graceful deletion was under way already and goes on unchanged. */
  pending: boolean
}

const attempts = 5

export function deleteObject(call: Call, target: { namespace: string; name: string }, options: DeleteOptions): Promise<Deleted> {
  const key = keyOf(call.resource, target.namespace, target.name)
  return call.parts.locks.run(key, async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptDelete(call, key, target.name, options)
      } catch (error) {
        const raced = error instanceof StorageError && error.code === 'conflict'
        if (!raced || attempt >= attempts) throw translateStorageError(error, call.resource.groupResource, target.name)
        await call.parts.cache.latest()
      }
    }
  })
}

async function attemptDelete(call: Call, key: string, name: string, options: DeleteOptions): Promise<Deleted> {
  const { parts, resource } = call
  const entry = parts.cache.get(key)
  if (!entry) throw notFoundError(resource.groupResource, name)
  const current = entry.object()
  const dryRun = options.dryRun?.includes('All') ?? false
  const plan = planDeletion({ definition: resource.definition, current, options, now: parts.clock.now() })
  if (plan.step === 'none') return { object: current, entry, gone: false, pending: true }
  const admission = { operation: 'DELETE', current, dryRun, name } as const
  await admitMutating(call, admission)
  await admitValidating(call, admission)
  if (plan.step === 'delete') {
    if (dryRun) return { object: current, entry, gone: true, pending: false }
    return remove(call, key, entry)
  }
  if (dryRun) return { object: plan.draft, gone: plan.thenDelete, pending: false }
  const draft = canonicalStored(resource, plan.draft)
  const updated = await parts.cache.update(key, { value: encodeStored(draft), object: draft }, entry.revision)
  return plan.thenDelete ? remove(call, key, updated) : { object: updated.object(), entry: updated, gone: false, pending: false }
}

async function remove(call: Call, key: string, entry: Entry): Promise<Deleted> {
  const last = await call.parts.cache.delete(key, entry.revision)
  return { object: last.object(), entry: last, gone: true, pending: false }
}

const parallel = 64

/** Deletes what was listed; what is gone already does not matter. The first failure ends it. */
export async function deleteAll(call: Call, entries: readonly Entry[], options: DeleteOptions): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < entries.length) {
      const { metadata } = entries[next++]!.object()
      try {
        await deleteObject(call, { namespace: metadata.namespace ?? '', name: metadata.name }, options)
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'NotFound')) {
          next = entries.length
          throw error
        }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, entries.length) }, worker))
}
