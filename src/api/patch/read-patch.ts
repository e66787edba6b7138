// The body of a patch, with what upstream says of one that is none.
import type { Document } from '../codec/json-reader.ts'
import { parseJson } from '../codec/json.ts'
import { parseYaml } from '../codec/yaml.ts'
import { badRequestError } from '../status-error.ts'
import { goTypeName } from './go-words.ts'

export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply'

/** @throws StatusError 400 */
export async function readPatch(kind: PatchKind, bytes: Buffer): Promise<Document> {
  if (kind === 'apply') return readConfiguration(bytes)
  const document = reworded(kind === 'strategic' ? '' : 'error decoding patch: ', () => parseJson(bytes))
  if (kind === 'merge' && document.value === null) throw badRequestError('Invalid JSON Patch')
  if (kind === 'strategic' && document.value === null) return { ...document, value: {} }
  if (kind === 'json') return { ...document, value: checkOperations(document.value) }
  return document
}

function reworded<T>(prefix: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw badRequestError(prefix + (error as Error).message)
  }
}

function checkOperations(value: unknown): unknown {
  if (value === null) return []
  const wrong = Array.isArray(value) ? (value as unknown[]).find((item) => item !== null && (typeof item !== 'object' || Array.isArray(item))) : undefined
  if (wrong !== undefined) throw badRequestError(`error decoding patch: json: cannot unmarshal ${goTypeName(wrong)} into Go value of type handlers.jsonPatchOp`)
  return value
}

async function readConfiguration(bytes: Buffer): Promise<Document> {
  const document = await parseYaml(bytes).catch((error: Error) => {
    throw badRequestError(`error decoding YAML: error converting YAML to JSON: ${error.message}`)
  })
  const { value } = document
  if (typeof value === 'object' && !Array.isArray(value)) return { ...document, value: value ?? {} }
  throw badRequestError(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goTypeName(value)} into Go value of type map[string]interface {}`)
}
