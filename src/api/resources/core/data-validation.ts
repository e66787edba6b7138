// ConfigMaps and Secrets: keys, size and immutability.
import { forbidden, invalid, required, tooLong } from '../../field-error.ts'
import type { ConfigMap, Secret } from '../../generated/types.ts'
import { isConfigMapKey } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { type Findings, immutable, listed, messages } from '../common/validation/findings.ts'

const limit = 1024 * 1024
const decodedLength = (base64: string) => Buffer.byteLength(base64, 'base64')

function* keys(field: string, data: Readonly<Record<string, string>> | undefined): Findings {
  for (const key of Object.keys(data ?? {})) yield* messages(`${field}[${key}]`, key, isConfigMapKey(key))
}

const total = (data: Readonly<Record<string, string>> | undefined, length: (value: string) => number) =>
  Object.values(data ?? {}).reduce((sum, value) => sum + length(value), 0)

export const validateConfigMap = listed(function* ({ data, binaryData }: ConfigMap): Findings {
  yield* keys('data', data)
  for (const key of Object.keys(data ?? {})) if (binaryData?.[key] !== undefined) yield invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')
  yield* keys('binaryData', binaryData)
  if (total(data, Buffer.byteLength) + total(binaryData, decodedLength) > limit) yield tooLong('', limit)
})

function* frozen<T extends { immutable?: boolean }>(draft: T, current: T, fields: (keyof T & string)[]): Findings {
  if (!current.immutable) return
  const why = 'field is immutable when `immutable` is set'
  if (!draft.immutable) yield forbidden('immutable', why)
  for (const field of fields) if (!equal(draft[field], current[field])) yield forbidden(field, why)
}

export const validateConfigMapUpdate = listed((draft: ConfigMap, current: ConfigMap) => frozen(draft, current, ['data', 'binaryData']))

/** What a secret of a type must hold. `json`: a key whose value is a JSON object. */
const needed: Readonly<Record<string, { all?: string[]; one?: string[]; json?: string }>> = {
  'kubernetes.io/dockercfg': { json: '.dockercfg' },
  'kubernetes.io/dockerconfigjson': { json: '.dockerconfigjson' },
  'kubernetes.io/basic-auth': { one: ['username', 'password'] },
  'kubernetes.io/ssh-auth': { all: ['ssh-privatekey'] },
  'kubernetes.io/tls': { all: ['tls.crt', 'tls.key'] },
}

const accountKey = 'kubernetes.io/service-account.name'

function* jsonObject(key: string, value: string | undefined): Findings {
  if (value === undefined) return yield required(`data[${key}]`)
  const refuse = (why: string) => invalid(`data[${key}]`, '<secret contents redacted>', why)
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value, 'base64').toString())
    if (typeof parsed !== 'object' || Array.isArray(parsed)) {
      yield refuse(`json: cannot unmarshal ${Array.isArray(parsed) ? 'array' : typeof parsed} into Go value of type map[string]interface {}`)
    }
  } catch {
    yield refuse(value === '' ? 'unexpected end of JSON input' : 'invalid character in JSON')
  }
}

export const validateSecret = listed(function* ({ metadata, type = '', data }: Secret): Findings {
  yield* keys('data', data)
  if (total(data, decodedLength) > limit) yield tooLong('data', limit)
  if (type === 'kubernetes.io/service-account-token' && !metadata?.annotations?.[accountKey]) yield required(`metadata.annotations[${accountKey}]`)
  const { all = [], one = [], json } = needed[type] ?? {}
  if (json) yield* jsonObject(json, data?.[json])
  for (const key of all) if (data?.[key] === undefined || (type === 'kubernetes.io/ssh-auth' && !data[key])) yield required(`data[${key}]`)
  if (one.length > 0 && one.every((key) => data?.[key] === undefined)) for (const key of one) yield required(`data[${key}]`)
})

export const validateSecretUpdate = listed(function* (draft: Secret, current: Secret): Findings {
  yield* immutable('type', draft.type, current.type)
  yield* frozen(draft, current, ['data'])
})
