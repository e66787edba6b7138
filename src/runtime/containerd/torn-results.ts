// libcni keeps what an ADD has given in a file. A full disk leaves it empty, so does a power cut, and containerd stops no sandbox that has such a
// file, ever (containerd issue 8197). The plug-ins do without: the kept result is a hint to them.
import { forgetResults } from '../../cni/held-networks.ts'
import type { ContainerRuntime } from '../container-runtime.ts'

export function withoutTornResults(runtime: ContainerRuntime): ContainerRuntime {
  return {
    ...runtime,
    async stopSandbox(id) {
      try {
        await runtime.stopSandbox(id)
      } catch (error) {
        if (!(error as Error).message.includes('cached result') || !(await forgetResults(id))) throw error
        await runtime.stopSandbox(id)
      }
    },
  }
}
