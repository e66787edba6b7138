// What containerd's own services offer beyond what `ctr` prints, by field number (source: containerd, api/services/*/v1, api/types).
import type { Method } from '../../base/grpc/client.ts'
import { bool, bytes, enumeration, integer, list, map, message, one, string, sub, type Type } from '../../base/grpc/protobuf.ts'

const of = (name: string) => <In, Out>(method: string, request: Type<In, any>, response: Type<any, Out>): Method<In, Out> => ({ path: `/containerd.services.${name}.v1.${name[0]!.toUpperCase()}${name.slice(1)}/${method}`, request, response })

const empty = message({})
const timestamp = message({ seconds: one(1, integer), nanoseconds: one(2, integer) })
export const any = message({ typeUrl: one(1, string), value: one(2, bytes) })
const subject = message({ containerId: one(1, string), execId: one(2, string) })

const process = message({
  containerId: one(1, string), id: one(2, string), pid: one(3, integer), status: one(4, enumeration('unknown', 'created', 'running', 'stopped', 'paused', 'pausing')), exitStatus: one(9, integer), exitedAt: sub(10, timestamp),
})
const exit = message({ exitStatus: one(1, integer), exitedAt: sub(2, timestamp) })
const tasks = of('tasks')
const descriptor = message({ mediaType: one(1, string), digest: one(2, string), size: one(3, integer) })
const image = message({ name: one(1, string), labels: map(2), target: sub(3, descriptor) })
const plugin = message({ type: one(1, string), id: one(2, string), exports: map(5), failure: sub(7, empty) })

export const services = {
  version: of('version')('Version', empty, message({ version: one(1, string), revision: one(2, string) })),
  plugins: of('introspection')('Plugins', message({ filters: list(1, string) }), message({ plugins: list(1, plugin) })),
  container: of('containers')('Get', message({ id: one(1, string) }), message({ container: sub(1, message({ id: one(1, string), labels: map(2), spec: sub(5, any) })) })),
  images: of('images')('List', empty, message({ images: list(1, image) })),
  content: of('content')('Read', message({ digest: one(1, string) }), message({ data: one(2, bytes) })),
  snapshots: of('snapshots')('List', message({ snapshotter: one(1, string) }), message({ info: list(1, message({ name: one(1, string) })) })),
  snapshotUsage: of('snapshots')('Usage', message({ snapshotter: one(1, string), key: one(2, string) }), message({ size: one(1, integer), inodes: one(2, integer) })),
  task: tasks('Get', subject, message({ process: sub(1, process) })),
  tasks: tasks('List', empty, message({ tasks: list(1, process) })),
  createTask: tasks('Create', message({ containerId: one(1, string), stdin: one(4, string), stdout: one(5, string), stderr: one(6, string), terminal: one(7, bool) }), empty),
  start: tasks('Start', subject, empty),
  wait: tasks('Wait', subject, exit),
  exec: tasks('Exec', message({ containerId: one(1, string), stdin: one(2, string), stdout: one(3, string), stderr: one(4, string), terminal: one(5, bool), spec: sub(6, any), execId: one(7, string) }), empty),
  kill: tasks('Kill', message({ containerId: one(1, string), execId: one(2, string), signal: one(3, integer), all: one(4, bool) }), empty),
  deleteProcess: tasks('DeleteProcess', subject, empty),
  resize: tasks('ResizePty', message({ containerId: one(1, string), execId: one(2, string), width: one(3, integer), height: one(4, integer) }), empty),
  closeInput: tasks('CloseIO', message({ containerId: one(1, string), execId: one(2, string), stdin: one(3, bool) }), empty),
  update: tasks('Update', message({ containerId: one(1, string), resources: sub(2, any) }), empty),
}

export const milliseconds = (time: { seconds: number; nanoseconds: number } | undefined): number => (time ? time.seconds * 1000 + Math.floor(time.nanoseconds / 1e6) : 0)
