// The calls of CRI v1 (source: k8s.io/cri-api/pkg/apis/runtime/v1/api.proto) and the event feed of containerd (source: containerd, api/services/events/v1).
import type { Method } from '../../base/grpc/client.ts'
import { bytes, integer, list, message, one, string, sub, type Type } from '../../base/grpc/protobuf.ts'
import * as m from './messages.ts'

const of = (service: string) => <In, Out>(name: string, request: Type<In, any>, response: Type<any, Out>): Method<In, Out> => ({ path: `/${service}/${name}`, request, response })
const runtime = of('runtime.v1.RuntimeService')
const image = of('runtime.v1.ImageService')

export const methods = {
  version: runtime('Version', m.empty, m.versionResponse),
  status: runtime('Status', m.statusRequest, m.statusResponse),
  runtimeConfig: runtime('RuntimeConfig', m.empty, m.runtimeConfigResponse),
  runSandbox: runtime('RunPodSandbox', m.runSandboxRequest, m.idMessage),
  stopSandbox: runtime('StopPodSandbox', m.idMessage, m.empty),
  removeSandbox: runtime('RemovePodSandbox', m.idMessage, m.empty),
  sandboxStatus: runtime('PodSandboxStatus', m.verboseRequest, m.sandboxStatusResponse),
  listSandboxes: runtime('ListPodSandbox', m.empty, m.listSandboxesResponse),
  createContainer: runtime('CreateContainer', m.createContainerRequest, m.idMessage),
  startContainer: runtime('StartContainer', m.idMessage, m.empty),
  stopContainer: runtime('StopContainer', m.stopContainerRequest, m.empty),
  removeContainer: runtime('RemoveContainer', m.idMessage, m.empty),
  listContainers: runtime('ListContainers', m.empty, m.listContainersResponse),
  containerStatus: runtime('ContainerStatus', m.verboseRequest, m.containerStatusResponse),
  updateResources: runtime('UpdateContainerResources', m.updateResourcesRequest, m.empty),
  reopenLog: runtime('ReopenContainerLog', m.idMessage, m.empty),
  execSync: runtime('ExecSync', m.execSyncRequest, m.execSyncResponse),
  exec: runtime('Exec', m.execRequest, m.urlResponse),
  attach: runtime('Attach', m.attachRequest, m.urlResponse),
  portForward: runtime('PortForward', m.portForwardRequest, m.urlResponse),
  listStats: runtime('ListContainerStats', m.empty, m.listStatsResponse),
  containerEvents: runtime('GetContainerEvents', m.empty, m.containerEvent),
  listImages: image('ListImages', m.empty, m.listImagesResponse),
  imageStatus: image('ImageStatus', m.imageRequest, m.imageStatusResponse),
  pullImage: image('PullImage', m.pullImageRequest, m.idMessage),
  removeImage: image('RemoveImage', m.imageRequest, m.empty),
  imageFsInfo: image('ImageFsInfo', m.empty, m.imageFsInfoResponse),
}

const any = message({ typeUrl: one(1, string), value: one(2, bytes) })
const envelope = message({ namespace: one(2, string), topic: one(3, string), event: sub(4, any) })
export const subscribe = of('containerd.services.events.v1.Events')('Subscribe', message({ filters: list(1, string) }), envelope)
/** Names of images; of containerd itself. */
export const listNames = of('containerd.services.images.v1.Images')('List', message({ filters: list(1, string) }), message({ images: list(1, message({ name: one(1, string) })) }))
/** `execId` is the container's own id, or that of a process executed in it. */
export const taskExit = message({ containerId: one(1, string), execId: one(2, string), pid: one(3, integer), exitStatus: one(4, integer) })
/** Of /tasks/start and /containers/delete, and the name of an image in /images/*. */
export const subjectEvent = message({ id: one(1, string) })
