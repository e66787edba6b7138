// Who asked is stamped by the server and never changes; `/approval` writes approving conditions, `/status` the rest.
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../generated/types.ts'
import type { HookContext } from '../../resource.ts'
import type { UserInfo } from '../../user.ts'

export function stampRequester(draft: CertificateSigningRequest, user: UserInfo): void {
  const { username: _username, uid: _uid, groups: _groups, extra: _extra, ...spec } = draft.spec
  draft.spec = {
    ...spec, username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    ...(user.groups.length > 0 ? { groups: [...user.groups] } : {}),
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) } : {}),
  }
}

export function keepRequest(draft: CertificateSigningRequest, current: CertificateSigningRequest): void {
  draft.spec = current.spec
}

function stampConditions(draft: CertificateSigningRequest, current: CertificateSigningRequest, now: string): void {
  if (!draft.status?.conditions) return
  draft.status.conditions = draft.status.conditions.map((condition) => {
    const before = current.status?.conditions?.find((c) => c.type === condition.type && c.status === condition.status)
    return { ...condition, lastUpdateTime: condition.lastUpdateTime ?? now, lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? now }
  })
}

/** Where a type's conditions are as many as before, those of before stay. */
function keepConditions(draft: CertificateSigningRequest, current: CertificateSigningRequest, type: string): void {
  const of = (request: CertificateSigningRequest) => (request.status?.conditions ?? []).filter((c) => c.type === type)
  const before: CertificateSigningRequestCondition[] = of(current)
  if (!draft.status?.conditions || of(draft).length !== before.length) return
  let next = 0
  draft.status.conditions = draft.status.conditions.map((c) => (c.type === type ? before[next++]! : c))
}

export function prepareStatus(draft: CertificateSigningRequest, current: CertificateSigningRequest, { now }: HookContext): void {
  keepRequest(draft, current)
  keepConditions(draft, current, 'Approved')
  keepConditions(draft, current, 'Denied')
  stampConditions(draft, current, now)
}

export function prepareApproval(draft: CertificateSigningRequest, current: CertificateSigningRequest, { now }: HookContext): void {
  keepRequest(draft, current)
  stampConditions(draft, current, now)
  const conditions = draft.status?.conditions
  draft.status = { ...current.status, ...(conditions ? { conditions } : {}) }
}
