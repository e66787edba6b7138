// A secret of type `kubernetes.io/service-account-token` gets a token of the account it names, and goes when the account goes.
import type { Secret, ServiceAccount } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import type { SignToken } from '../../pki/jwt.ts'
import { legacyClaims } from '../../pki/service-account-claims.ts'

type TokenStep = { do: 'fill'; secret: Stored<Secret> } | { do: 'delete'; secret: Stored<Secret> }

interface Observed {
  secret: Stored<Secret>
  account: Stored<ServiceAccount> | undefined
  /** PEM. */
  ca: string
  sign: SignToken
}

export const tokenType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

export const accountOf = ({ metadata }: Secret): string => metadata?.annotations?.[nameAnnotation] ?? ''
/** Does the secret belong to this very account, not one of the same name before it? */
export const belongsTo = ({ metadata }: Secret, account: Stored<ServiceAccount>): boolean =>
  [undefined, '', account.metadata.uid].includes(metadata?.annotations?.[uidAnnotation])

const base64 = (text: string) => Buffer.from(text).toString('base64')

export function planToken({ secret, account, ca, sign }: Observed): Plan<TokenStep> {
  const { metadata, data = {} } = secret
  if (!accountOf(secret) || metadata.deletionTimestamp) return nothingToDo
  if (!account || !belongsTo(secret, account)) return { steps: [{ do: 'delete', secret }] }
  if (data.token && data.namespace && data['ca.crt'] === base64(ca)) return nothingToDo
  const { name, uid } = account.metadata
  const token = () => base64(sign(legacyClaims({ namespace: metadata.namespace ?? '', serviceAccount: { name, uid }, secretName: metadata.name })))
  const filled = { ...data, 'ca.crt': base64(ca), 'namespace': data.namespace || base64(metadata.namespace ?? ''), 'token': data.token || token() }
  const annotations = { ...metadata.annotations, [nameAnnotation]: name, [uidAnnotation]: uid }
  return { steps: [{ do: 'fill', secret: { ...secret, metadata: { ...metadata, annotations }, data: filled } }] }
}
