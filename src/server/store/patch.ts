// PATCH: the present object as the client's version sees it, changed as the patch says, decoded again like a body.
import type { Document } from '../../api/codec/json-reader.ts'
import { stringify } from '../../api/codec/json.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, goPrint, invalidPatchError, type PatchKind, readPatch } from '../../api/patch/index.ts'
import type { WriteSubresource } from '../../api/resource.ts'
import { schemas, type StructSchema } from '../../api/schema/index.ts'
import { badRequestError, StatusError } from '../../api/status-error.ts'
import type { Call } from '../call.ts'
import { checkKind, decodeServed, settle } from '../request/decode.ts'
import { baseType } from '../request/negotiate.ts'
import type { WriteOptions } from '../request/query.ts'
import { clone } from './bytes.ts'
import { applyServerSide } from './managed-fields.ts'
import { updateObject } from './update.ts'
import { toServed } from './versions.ts'
import type { Written } from './written.ts'

const patchKinds: ReadonlyMap<string, PatchKind> = new Map([
  ['application/json-patch+json', 'json'], ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'], ['application/apply-patch+yaml', 'apply'],
])

/** @throws StatusError 415 */
export function patchKindOf(contentType: string | undefined): PatchKind {
  const kind = patchKinds.get(baseType(contentType))
  if (!kind) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
  return kind
}

interface PatchInput {
  kind: PatchKind
  options: WriteOptions
  authorizeCreate(): void
  subresource?: WriteSubresource<KubeObject>
}

export async function patchObject(call: Call, input: PatchInput): Promise<Written> {
  const patch = await parsePatch(call, input.kind)
  const { kind } = input
  if (kind === 'apply') return applyPatch(call, patch, input)
  return updateObject(call, {
    ...input, name: call.info.name, mustExist: true,
    draft: (current) => patched(call, current!, patch, { ...input, kind }),
  })
}

export async function parsePatch({ request }: Call, kind: PatchKind): Promise<Document> {
  const { body } = request
  if (body !== undefined && !Buffer.isBuffer(body)) return { value: clone(body), duplicates: [] }
  return readPatch(kind, body ?? Buffer.alloc(0))
}

function patched(call: Call, current: Stored<KubeObject>, { value: patch, duplicates }: Document, { kind, options }: PatchInput & { kind: keyof typeof mergers }): KubeObject {
  const { resource } = call
  const before = resource.isStorageVersion ? current : toServed(resource, clone(current))
  const after = mergers[kind](before as KubeObject, patch, schemas.definition(resource.version.schema))
  const reported = kind === 'json' ? duplicates.map((text) => `json patch ${text}`) : duplicates
  const refuse = (why: string) => invalidPatchError(kind === 'strategic' ? goPrint(patch) : stringify(after), why)
  checkKind(call.parts.registry, resource, after, refuse)
  const draft = settle(resource, decodeServed(call, { value: after === before ? clone(after) : after, duplicates: reported }, options, refuse))
  checkName(call, draft)
  return draft
}

export const mergers: Record<Exclude<PatchKind, 'apply'>, <T>(document: T, patch: unknown, schema: StructSchema) => T> = {
  json: applyJsonPatch, merge: applyMergePatch,
  strategic: applyStrategicMergePatch,
}

function checkName(call: Call, draft: KubeObject): void {
  const name = draft.metadata?.name
  if (!name) throw badRequestError(`the name of the object (${call.info.name} based on URL) was undeterminable: name must be provided`)
  if (name !== call.info.name) throw badRequestError(`the name of the object (${name}) does not match the name on the URL (${call.info.name})`)
}

function applyPatch(call: Call, { value: patch, duplicates }: Document, input: PatchInput): Promise<Written> {
  const { resource, info } = call
  if (duplicates[0] !== undefined && input.options.fieldValidation === 'Strict') throw badRequestError(`error strict decoding YAML: error converting YAML to JSON: ${duplicates[0]}`)
  if (input.options.fieldValidation === 'Warn') duplicates.forEach(call.warn)
  return updateObject(call, {
    ...input, name: info.name, forceCreate: input.subresource === undefined, fieldsTracked: true,
    draft(current) {
      const live = current && (resource.isStorageVersion ? current : toServed(resource, clone(current)))
      const draft = settle(resource, applyServerSide(call, { live, applied: patch as KubeObject, options: input.options }))
      checkName(call, draft)
      return draft
    },
  })
}
