// Connection tracking entries that outlive what they point to. Only UDP needs this: a TCP peer notices by itself.
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
  await runProgram('conntrack', args).catch((error: Error) => {
    if (!error.message.includes('0 flow entries')) throw error
  })
}
