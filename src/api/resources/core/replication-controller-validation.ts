import { forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { ReplicationController } from '../../generated/types.ts'
import { podTemplate } from '../common/pod-spec/validation/template.ts'
import { type Findings, listed, nonNegative } from '../common/validation/findings.ts'
import { replicaCounts } from '../common/validation/workloads.ts'

export const validateReplicationController = listed(function* ({ spec }: ReplicationController): Findings {
  if (!spec) return yield required('spec.selector')
  const { selector = {}, template } = spec
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds)
  if (Object.keys(selector).length === 0) yield required('spec.selector')
  if (spec.replicas === undefined) yield required('spec.replicas')
  yield* nonNegative('spec.replicas', spec.replicas)
  if (!template) return yield required('spec.template')
  const labels = template.metadata?.labels
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value)) {
    yield invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')
  }
  yield* podTemplate('spec.template', template)
  if (!template.spec) return
  if (template.spec.restartPolicy !== 'Always') yield notSupported('spec.template.spec.restartPolicy', template.spec.restartPolicy ?? '', ['Always'])
  if (template.spec.activeDeadlineSeconds !== undefined) {
    yield forbidden('spec.template.spec.activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicationController is not Supported')
  }
})

export const validateReplicationControllerStatus = listed(function* ({ status }: ReplicationController): Findings {
  yield* replicaCounts({ ...status }, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
})
