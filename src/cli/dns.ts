// `mk8s dns DIRECTORY BUILD`: the process that answers the cluster's DNS. `mk8s server` starts it; it is in no help, for people have no use for it.
import { serveDns } from '../dns/serve.ts'

/** @returns the exit code. */
export async function runDns([directory, build]: readonly string[], signal: AbortSignal): Promise<number> {
  if (!directory || !build) {
    process.stderr.write('mk8s: "dns" is started by "mk8s server"\n')
    return 1
  }
  await serveDns({ directory, signal })
  return 0
}
