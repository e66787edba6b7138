// The node keeps its name: a host name given by DHCP may be another after a reboot, and under another name the server would be another node, without the pods of the first.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { readIfThere } from '../base/read-file.ts'
import { ConfigError } from '../config/load.ts'
import { options } from '../config/options.ts'
import { writeAtomically } from '../pki/files.ts'

interface Naming {
  dataDirectory: string
  /** By `--node-name`. */
  given: string | undefined
  hostname: string
}

export const nodeNameFile = (dataDirectory: string): string => join(dataDirectory, 'node-name')

/** A server has run here: the name is written after the database, which was on the disk by then. */
export const hadServer = (dataDirectory: string): boolean => existsSync(nodeNameFile(dataDirectory))

/** @throws ConfigError when the machine's name cannot be that of a node. */
export function chooseNodeName({ dataDirectory, given, hostname }: Naming): string {
  const known = given ?? keptName(dataDirectory)
  if (known) return known
  try {
    return options.nodeName.kind.parse(hostname)!
  } catch (error) {
    throw new ConfigError(`the host name ${(error as Error).message}: choose a name with --node-name`)
  }
}

const keptName = (dataDirectory: string) => readIfThere(nodeNameFile(dataDirectory)).trim() || undefined

/** The data directory must be ours. */
export const nodeNameKeeper = (naming: { dataDirectory: string; name: string; hostname: string; log: Logger }): Component => ({
  name: 'node name',
  async start() {
    const { dataDirectory, name, hostname, log } = naming
    const kept = keptName(dataDirectory)
    if (kept !== undefined && kept !== name) log.warn('the node has another name than before; its pods stay with the old one until it is deleted with kubectl delete node', { before: kept, now: name })
    else if (kept !== undefined && hostname !== name) log.debug('the machine has another name than the node', { hostname, node: name })
    if (kept !== name) writeAtomically(nodeNameFile(dataDirectory), `${name}\n`)
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
})
