// Lists: at the newest state, at any, at one not older than, or exactly at a revision (source: "Resource versions" in Kubernetes' API concepts).
import { badRequestError, expiredError } from '../../api/status-error.ts'
import type { Revision } from '../../storage/storage.ts'
import type { Collection } from './collection.ts'
import { type ContinueToken, continueExpired, decodeContinue, encodeContinue } from './continue-token.ts'
import { parseRevision } from './revisions.ts'
import { rangeOf } from './scope.ts'
import type { SortedView } from './sorted-map.ts'
import type { Entry, ListQuery, ListResult } from './types.ts'

/** Entries looked at before the event loop gets a turn. */
const slice = 4000

type ListPlan =
  | { at: 'latest'; token?: ContinueToken }
  | { at: 'not-older'; revision: Revision }
  | { at: 'exact'; revision: Revision; token?: ContinueToken }

export function planList(query: ListQuery): ListPlan {
  if (query.continue) return planContinue(query.continue, query)
  const revision = parseRevision(query.resourceVersion)
  if (query.resourceVersionMatch === 'Exact') return { at: 'exact', revision }
  if (!query.resourceVersion) return { at: 'latest' }
  // What clients got before there was resourceVersionMatch.
  if (!query.resourceVersionMatch && query.limit && revision > 0) return { at: 'exact', revision }
  return { at: 'not-older', revision }
}

function planContinue(text: string, query: ListQuery): ListPlan {
  const token = decodeContinue(text, query.scope)
  if (parseRevision(query.resourceVersion) > 0) throw badRequestError('specifying resource version is not allowed when using continue')
  return token.revision > 0 ? { at: 'exact', revision: token.revision, token } : { at: 'latest', token }
}

/** Lists `collection` after the cache has got as far as the plan wants. */
export async function list(collection: Collection, query: ListQuery, about: { plan: ListPlan; current: Revision; compacted: Revision }): Promise<ListResult> {
  const { plan } = about
  const token = plan.at === 'not-older' ? undefined : plan.token
  const revision = plan.at === 'exact' ? plan.revision : about.current
  if (revision < Math.max(collection.history.completeAfter, about.compacted)) {
    throw token ? continueExpired(token, query.scope) : expiredError('The resourceVersion for the provided list is too old.')
  }
  const view = plan.at === 'exact' ? collection.at(revision) : collection.entries.snapshot()
  const range = { ...rangeOf(query.scope), ...(token && { from: token.from }) }
  // Clients that will take any state get it whole, as from upstream's cache.
  const limit = query.resourceVersion === '0' && !token ? undefined : query.limit
  const found = await collect(view, range, { selection: query.selection, limit: limit || Infinity, signal: query.signal })
  if (!found.more) return { revision, entries: found.entries }
  collection.keepSnapshot(view, revision)
  const from = found.entries.at(-1)!.key + '\0'
  const remaining = query.selection ? undefined : view.count(from, range.end)
  return { revision, entries: found.entries, continue: encodeContinue({ revision, from }, query.scope), remaining }
}

type Wanted = Pick<ListQuery, 'selection' | 'signal'> & { limit: number }

async function collect(view: SortedView<Entry>, range: { from: string; end: string }, wanted: Wanted): Promise<{ entries: Entry[]; more: boolean }> {
  const entries: Entry[] = []
  let seen = 0
  for (const entry of view.range(range.from, range.end)) {
    if (++seen % slice === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      wanted.signal?.throwIfAborted()
    }
    if (wanted.selection && !wanted.selection(entry)) continue
    if (entries.length === wanted.limit) return { entries, more: true }
    entries.push(entry)
  }
  return { entries, more: false }
}
