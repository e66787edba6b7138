// Connection tracking entries that outlive what they point to. A TCP peer notices by itself when an endpoint ends, but not when the node's address goes.
import { runProgram } from './iptables.ts'

interface StaleFlow {
  /** Address that clients send to. */
  destination?: string
  /** Port that clients send to, on any local address (node ports). */
  destinationPort?: number
  /** The endpoint that packets were rewritten to; undefined for flows that were never rewritten. */
  endpoint?: string
}

/** Deletes matching UDP entries. That none matched is no error. */
export async function deleteUdpFlows(flow: StaleFlow): Promise<void> {
  const args = ['-D', '-p', 'udp']
  if (flow.destination) args.push('--orig-dst', flow.destination)
  if (flow.destinationPort) args.push('--dport', String(flow.destinationPort))
  if (flow.endpoint) args.push('--dst-nat', flow.endpoint)
  await deleteFlows(args)
}

/** Deletes every entry whose packets end at `address`. The next packet of such a flow is translated anew, and whoever gets it resets the connection at once. */
export const deleteFlowsTo = (address: string): Promise<void> => deleteFlows(['-D', '--reply-src', address])

/** Deletes every entry of a connection from or to an address of `range`, also by the address it was translated to. */
export async function deleteFlowsWithin(range: string): Promise<void> {
  for (const end of ['--orig-src', '--orig-dst', '--reply-src']) await deleteFlows(['-D', end, range])
}

async function deleteFlows(args: readonly string[]): Promise<void> {
  await runProgram('conntrack', args).catch((error: Error) => {
    if (!error.message.includes('0 flow entries')) throw error
  })
}
