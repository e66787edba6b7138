// `mk8s doctor`: what keeps a server from running here, or will, and what to do about it. Changes nothing.
import { existsSync, readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { ConfigError, loadOptions } from '../config/load.ts'
import { completeServerConfig, type ServerConfig } from '../config/server-config.ts'
import { examineMachine } from '../distro/doctor/examination.ts'
import type { Finding } from '../distro/doctor/findings.ts'
import { isHealthy, renderJson, renderText } from '../distro/doctor/report.ts'
import { readHostname } from '../distro/machine.ts'
import { chooseNodeName } from '../distro/node-name.ts'
import { CliError, type CliIo } from './io.ts'

interface DoctorFlags {
  dataDir?: string
  config?: string
  output: string
}

/** @returns the exit code: 1 when there is a problem. */
export async function doctor(io: CliIo, { output, ...flags }: DoctorFlags): Promise<number> {
  if (process.geteuid?.() !== 0) throw new CliError('doctor must run as root, to see what a server would see')
  if (!['text', 'json'].includes(output)) throw new CliError(`--output: ${JSON.stringify(output)} is not text or json`)
  const findings = await examineConfigured(io, flags)
  io.out(output === 'json' ? renderJson(findings) : renderText(findings))
  return isHealthy(findings) ? 0 : 1
}

/** Without a valid configuration nobody knows what to look at. */
async function examineConfigured(io: CliIo, flags: Omit<DoctorFlags, 'output'>): Promise<Finding[]> {
  let config: ServerConfig
  try {
    const options = loadOptions({ command: 'server', flags, environment: io.environment, readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) })
    config = completeServerConfig(options, chooseNodeName({ dataDirectory: options.dataDir, given: options.nodeName, hostname: readHostname() }))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [{ check: 'configuration', verdict: 'problem', message: error.message, advice: 'mend it (mk8s server --help lists the options), and ask again' }]
  }
  return examineMachine(config, systemClock.now())
}
