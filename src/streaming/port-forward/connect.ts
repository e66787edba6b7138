import type { Duplex } from 'node:stream'

/** A connection to a port of the pod. May reject, or be destroyed with an error later; the client gets its message. */
export type Connect = (port: number) => Promise<Duplex>
