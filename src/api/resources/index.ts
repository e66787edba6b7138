// Every kind that mk8s serves by itself; more come at run time, from CustomResourceDefinitions.
import type { ResourceDefinition } from '../resource.ts'
import { bindings } from './core/bindings.ts'
import { componentstatuses } from './core/componentstatuses.ts'
import { configmaps } from './core/configmaps.ts'
import { endpoints } from './core/endpoints.ts'
import { events as coreEvents } from './core/events.ts'
import { limitranges } from './core/limitranges.ts'
import { namespaces } from './core/namespaces.ts'
import { nodes } from './core/nodes.ts'
import { persistentvolumeclaims } from './core/persistentvolumeclaims.ts'
import { persistentvolumes } from './core/persistentvolumes.ts'
import { pods } from './core/pods.ts'
import { podtemplates } from './core/podtemplates.ts'
import { replicationcontrollers } from './core/replicationcontrollers.ts'
import { resourcequotas } from './core/resourcequotas.ts'
import { secrets } from './core/secrets.ts'
import { serviceaccounts } from './core/serviceaccounts.ts'
import { services } from './core/services.ts'
import { controllerrevisions } from './apps/controllerrevisions.ts'
import { daemonsets } from './apps/daemonsets.ts'
import { deployments } from './apps/deployments.ts'
import { replicasets } from './apps/replicasets.ts'
import { statefulsets } from './apps/statefulsets.ts'
import { cronjobs } from './batch/cronjobs.ts'
import { jobs } from './batch/jobs.ts'
import { horizontalpodautoscalers } from './autoscaling/horizontalpodautoscalers.ts'
import { poddisruptionbudgets } from './policy/poddisruptionbudgets.ts'
import { clusterrolebindings } from './rbac.authorization.k8s.io/clusterrolebindings.ts'
import { clusterroles } from './rbac.authorization.k8s.io/clusterroles.ts'
import { rolebindings } from './rbac.authorization.k8s.io/rolebindings.ts'
import { roles } from './rbac.authorization.k8s.io/roles.ts'
import { ingressclasses } from './networking.k8s.io/ingressclasses.ts'
import { ingresses } from './networking.k8s.io/ingresses.ts'
import { ipaddresses } from './networking.k8s.io/ipaddresses.ts'
import { networkpolicies } from './networking.k8s.io/networkpolicies.ts'
import { servicecidrs } from './networking.k8s.io/servicecidrs.ts'
import { endpointslices } from './discovery.k8s.io/endpointslices.ts'
import { leases } from './coordination.k8s.io/leases.ts'
import { events } from './events.k8s.io/events.ts'
import { csidrivers } from './storage.k8s.io/csidrivers.ts'
import { csinodes } from './storage.k8s.io/csinodes.ts'
import { csistoragecapacities } from './storage.k8s.io/csistoragecapacities.ts'
import { storageclasses } from './storage.k8s.io/storageclasses.ts'
import { volumeattachments } from './storage.k8s.io/volumeattachments.ts'
import { volumeattributesclasses } from './storage.k8s.io/volumeattributesclasses.ts'
import { priorityclasses } from './scheduling.k8s.io/priorityclasses.ts'
import { runtimeclasses } from './node.k8s.io/runtimeclasses.ts'
import { certificatesigningrequests } from './certificates.k8s.io/certificatesigningrequests.ts'
import { selfsubjectreviews } from './authentication.k8s.io/selfsubjectreviews.ts'
import { tokenreviews } from './authentication.k8s.io/tokenreviews.ts'
import { localsubjectaccessreviews } from './authorization.k8s.io/localsubjectaccessreviews.ts'
import { selfsubjectaccessreviews } from './authorization.k8s.io/selfsubjectaccessreviews.ts'
import { selfsubjectrulesreviews } from './authorization.k8s.io/selfsubjectrulesreviews.ts'
import { subjectaccessreviews } from './authorization.k8s.io/subjectaccessreviews.ts'
import { mutatingadmissionpolicies } from './admissionregistration.k8s.io/mutatingadmissionpolicies.ts'
import { mutatingadmissionpolicybindings } from './admissionregistration.k8s.io/mutatingadmissionpolicybindings.ts'
import { mutatingwebhookconfigurations } from './admissionregistration.k8s.io/mutatingwebhookconfigurations.ts'
import { validatingadmissionpolicies } from './admissionregistration.k8s.io/validatingadmissionpolicies.ts'
import { validatingadmissionpolicybindings } from './admissionregistration.k8s.io/validatingadmissionpolicybindings.ts'
import { validatingwebhookconfigurations } from './admissionregistration.k8s.io/validatingwebhookconfigurations.ts'
import { deviceclasses } from './resource.k8s.io/deviceclasses.ts'
import { resourceclaims } from './resource.k8s.io/resourceclaims.ts'
import { resourceclaimtemplates } from './resource.k8s.io/resourceclaimtemplates.ts'
import { resourceslices } from './resource.k8s.io/resourceslices.ts'
import { flowschemas } from './flowcontrol.apiserver.k8s.io/flowschemas.ts'
import { prioritylevelconfigurations } from './flowcontrol.apiserver.k8s.io/prioritylevelconfigurations.ts'

export const builtinResources: readonly ResourceDefinition[] = [
  bindings, componentstatuses, configmaps, endpoints, coreEvents, limitranges, namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods,
  podtemplates, replicationcontrollers, resourcequotas, secrets, serviceaccounts, services,
  controllerrevisions, daemonsets, deployments, replicasets, statefulsets,
  cronjobs, jobs,
  horizontalpodautoscalers,
  poddisruptionbudgets,
  clusterrolebindings, clusterroles, rolebindings, roles,
  ingressclasses, ingresses, ipaddresses, networkpolicies, servicecidrs,
  endpointslices,
  leases,
  events,
  csidrivers, csinodes, csistoragecapacities, storageclasses, volumeattachments, volumeattributesclasses,
  priorityclasses,
  runtimeclasses,
  certificatesigningrequests,
  selfsubjectreviews, tokenreviews,
  localsubjectaccessreviews, selfsubjectaccessreviews, selfsubjectrulesreviews, subjectaccessreviews,
  mutatingadmissionpolicies, mutatingadmissionpolicybindings, mutatingwebhookconfigurations, validatingadmissionpolicies,
  validatingadmissionpolicybindings, validatingwebhookconfigurations,
  deviceclasses, resourceclaims, resourceclaimtemplates, resourceslices,
  flowschemas, prioritylevelconfigurations,
]
