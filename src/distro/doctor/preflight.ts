// The doctor's checks at the start of a server: a problem ends the start before anything is changed.
import { systemClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import { refuseSecondServer } from '../data-directory.ts'
import { pathsOf } from '../paths.ts'
import { examine, inOneLine } from './findings.ts'
import { observe } from './observe.ts'
import { startChecks } from './start-checks.ts'

/** @throws an error of one line that says what is wrong and what to do. */
export async function preflight(config: ServerConfig, log: Logger): Promise<void> {
  const paths = pathsOf(config.dataDir)
  await refuseSecondServer(paths)
  const findings = examine(startChecks, await observe({ config, paths, now: systemClock.now() }))
  const problems = findings.filter(({ verdict }) => verdict === 'problem')
  if (problems.length > 0) throw new Error(inOneLine(problems[0]!) + (problems.length > 1 ? ` (and ${problems.length - 1} more: see mk8s doctor)` : ''))
  for (const { verdict, message, advice } of findings) if (verdict === 'warning') log.warn(message, advice ? { advice } : {})
}
