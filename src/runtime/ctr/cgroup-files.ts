// Files of a container's control group, in either version.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cgroupRoot, isUnified } from '../../base/cgroups.ts'

/** Empty when it is not there. @param controller of version 1. @param unified the file's name in version 2. */
export function readCgroupFile(cgroup: string, controller: string, file: string, unified: string): Promise<string> {
  return readFile(isUnified() ? join(cgroupRoot, cgroup, unified) : join(cgroupRoot, controller, cgroup, file), 'utf8').catch(() => '')
}
