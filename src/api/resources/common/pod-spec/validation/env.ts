import { invalid, required } from '../../../../field-error.ts'
import type { EnvFromSource, EnvVar, EnvVarSource } from '../../../../generated/types.ts'
import { isConfigMapKey, isDnsLabel, isDnsSubdomain, isRelaxedEnvVarName } from '../../../../names.ts'
import { checked, type Findings, requiredAnd } from '../../validation/findings.ts'
import { envFields, fieldRef, resourceFieldRef } from './field-refs.ts'
import { noBacksteps } from './paths.ts'

function* keyRef(field: string, ref: { name?: string; key: string }): Findings {
  yield* checked(`${field}.name`, ref.name, isDnsSubdomain)
  yield* requiredAnd(`${field}.key`, ref.key, isConfigMapKey)
}

function* fileKeyRef(field: string, ref: NonNullable<EnvVarSource['fileKeyRef']>): Findings {
  yield* requiredAnd(`${field}.key`, ref.key, isRelaxedEnvVarName)
  yield* requiredAnd(`${field}.volumeName`, ref.volumeName, isDnsLabel)
  if (!ref.path) yield required(`${field}.path`)
  else yield* noBacksteps(`${field}.path`, ref.path)
}

function* valueFrom(field: string, { value, valueFrom: source }: EnvVar): Findings {
  if (!source) return
  if (source.fieldRef) yield* fieldRef(`${field}.fieldRef`, source.fieldRef, envFields)
  if (source.resourceFieldRef) yield* resourceFieldRef(`${field}.resourceFieldRef`, source.resourceFieldRef, { named: false })
  if (source.configMapKeyRef) yield* keyRef(`${field}.configMapKeyRef`, source.configMapKeyRef)
  if (source.secretKeyRef) yield* keyRef(`${field}.secretKeyRef`, source.secretKeyRef)
  if (source.fileKeyRef) yield* fileKeyRef(`${field}.fileKeyRef`, source.fileKeyRef)
  const sources = [source.fieldRef, source.resourceFieldRef, source.configMapKeyRef, source.secretKeyRef, source.fileKeyRef].filter(Boolean).length
  if (sources === 0) yield invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`')
  else if (value) yield invalid(field, '', 'may not be specified when `value` is not empty')
  else if (sources > 1) yield invalid(field, '', 'may not have more than one field specified at a time')
}

export function* environment(field: string, variables: readonly EnvVar[] | undefined): Findings {
  for (const [index, variable] of (variables ?? []).entries()) {
    yield* requiredAnd(`${field}[${index}].name`, variable.name, isRelaxedEnvVarName)
    yield* valueFrom(`${field}[${index}].valueFrom`, variable)
  }
}

export function* environmentFrom(field: string, sources: readonly EnvFromSource[] | undefined): Findings {
  for (const [index, { prefix, configMapRef, secretRef }] of (sources ?? []).entries()) {
    const at = `${field}[${index}]`
    if (prefix) yield* checked(`${at}.prefix`, prefix, isRelaxedEnvVarName)
    if (configMapRef) yield* requiredAnd(`${at}.configMapRef.name`, configMapRef.name, isDnsSubdomain)
    if (secretRef) yield* requiredAnd(`${at}.secretRef.name`, secretRef.name, isDnsSubdomain)
    if (!configMapRef && !secretRef) yield invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`')
    else if (configMapRef && secretRef) yield invalid(field, '', 'may not have more than one field specified at a time')
  }
}
