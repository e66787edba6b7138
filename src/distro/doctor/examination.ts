// What `mk8s doctor` does: everything is looked at, with a server running or not.
import type { ServerConfig } from '../../config/server-config.ts'
import { lockHolder } from '../../base/directory-lock.ts'
import { readIfThere } from '../../base/read-file.ts'
import { pathsOf } from '../paths.ts'
import { conditionChecks } from './condition-checks.ts'
import { examine, type Finding } from './findings.ts'
import { observe } from './observe.ts'
import { observeCondition } from './observe-condition.ts'
import { startChecks } from './start-checks.ts'

export async function examineMachine(config: ServerConfig, now: number): Promise<Finding[]> {
  const paths = pathsOf(config.dataDir)
  const holder = lockHolder(paths.data)
  const serverPid = holder === 0 ? Number(readIfThere(paths.pidFile)) : holder
  const scene = { config, paths, now, serverPid }
  const [surroundings, condition] = await Promise.all([observe(scene), observeCondition(scene)])
  return [...examine(startChecks, surroundings), ...examine(conditionChecks, condition)]
}
