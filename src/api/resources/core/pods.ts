import type { Pod } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { defaultPod } from '../common/pod-spec/defaults.ts'
import { keepStatus, v1 } from '../common/strategy.ts'
import { validatePodResize } from './pod-resize-validation.ts'
import { podReady, podReason, podRestarts, readinessGates } from './pod-status.ts'
import { podGraceSeconds, prepareEphemeralContainers, preparePodForCreate, preparePodStatus, prepareResize } from './pod-strategy.ts'
import { validateEphemeralContainersUpdate, validatePod, validatePodCreate, validatePodStatusUpdate, validatePodUpdate } from './pod-validation.ts'
import { podCreateWarnings } from './warnings.ts'

const podIp = (pod: Pod) => pod.status?.podIPs?.[0]?.ip ?? ''

export const pods = defineResource<Pod>({
  group: '', kind: 'Pod', plural: 'pods', singular: 'pod', shortNames: ['po'], categories: ['all'], namespaced: true,
  ...v1('core', 'Pod'),
  defaults: defaultPod,
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: keepStatus,
  validate: validatePod,
  warnings: podCreateWarnings,
  validateCreate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  graceSeconds: podGraceSeconds,
  subresources: {
    status: { resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'], prepareForUpdate: preparePodStatus, validateUpdate: validatePodStatusUpdate },
    ephemeralcontainers: { prepareForUpdate: prepareEphemeralContainers, validateUpdate: validateEphemeralContainersUpdate },
    resize: { prepareForUpdate: prepareResize, validateUpdate: validatePodResize },
  },
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': podIp,
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  columns: [
    nameColumn,
    text('Ready', podReady),
    text('Status', podReason),
    text('Restarts', podRestarts),
    ageColumn,
    wide(text('IP', (pod) => podIp(pod) || '<none>')),
    wide(text('Node', (pod) => pod.spec?.nodeName || '<none>')),
    wide(text('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>')),
    wide(text('Readiness Gates', readinessGates)),
  ],
})
