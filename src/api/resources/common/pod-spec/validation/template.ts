import { forbidden, required } from '../../../../field-error.ts'
import type { PodTemplateSpec } from '../../../../generated/types.ts'
import type { Findings } from '../../validation/findings.ts'
import { annotations, labels } from '../../validation/labels.ts'
import { annotationsMatchFields, podAnnotations } from './annotations.ts'
import { podSpec } from './spec.ts'

export function* podTemplate(field: string, template: PodTemplateSpec | undefined): Findings {
  yield* labels(`${field}.labels`, template?.metadata?.labels)
  yield* annotations(`${field}.annotations`, template?.metadata?.annotations)
  yield* podAnnotations(`${field}.annotations`, template?.metadata?.annotations, template?.spec)
  if (!template?.spec) return yield required(`${field}.spec.containers`)
  yield* podSpec(`${field}.spec`, template.spec, { isPod: false })
  yield* annotationsMatchFields(`${field}.spec`, template.metadata?.annotations, template.spec)
  if (template.spec.ephemeralContainers?.length) yield forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')
}
