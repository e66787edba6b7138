// Files of a container's control group, in either version.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const root = '/sys/fs/cgroup'
export const isUnified = (): boolean => existsSync(join(root, 'cgroup.controllers'))

/** Empty when it is not there. @param controller of version 1. @param unified the file's name in version 2. */
export function readCgroupFile(cgroup: string, controller: string, file: string, unified: string): Promise<string> {
  return readFile(isUnified() ? join(root, cgroup, unified) : join(root, controller, cgroup, file), 'utf8').catch(() => '')
}
