// `mk8s server`: from options to running components, until a signal or a failure.
import { existsSync, readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { createLogger, type Logger } from '../base/logger.ts'
import { supervise } from '../base/supervisor.ts'
import { version } from '../base/version.ts'
import { loadOptions } from '../config/load.ts'
import { completeServerConfig } from '../config/server-config.ts'
import { preflight } from '../distro/doctor/preflight.ts'
import { finishRestoration } from '../distro/finish-restoration.ts'
import { readKubeletSettings } from '../distro/kubelet-settings.ts'
import { isMachineStopping, readHostname } from '../distro/machine.ts'
import { findNodeAddress } from '../distro/node-address.ts'
import { chooseNodeName } from '../distro/node-name.ts'
import { serverComponents } from '../distro/server-components.ts'
import { inOneLine } from './data-directory-options.ts'
import { CliError, type CliIo } from './io.ts'
import type { GivenFlags } from './option-flags.ts'

/** All components together have this long to stop; longer when the machine goes down, for pods end then too. */
const stopMilliseconds = async () => ((await isMachineStopping()) ? 45_000 : 8_000)

export async function runServer(io: CliIo, flags: GivenFlags): Promise<number> {
  const readFile = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  const load = () => loadOptions({ command: 'server', flags, environment: io.environment, readFile })
  // before anything else is read: it may bring other options
  if (process.geteuid?.() === 0) await inOneLine(finishRestoration(load().dataDir))
  const options = load()
  const hostname = readHostname()
  const config = completeServerConfig(options, chooseNodeName({ dataDirectory: options.dataDir, given: options.nodeName, hostname }))
  const settings = readKubeletSettings(config.kubeletArg)
  if (process.geteuid?.() !== 0) throw new CliError('the server must run as root')
  const log = createLogger({ level: config.logLevel, format: config.logFormat, clock: systemClock, write: io.error })
  await preflight(config, log).catch(oneLine(log))
  const address = await findNodeAddress({ config, clock: systemClock, log })
  log.info('mk8s starts', { version: version.mk8s, kubernetes: version.kubernetes, node: config.nodeName, address: address.current().nodeIp, data: config.dataDir })
  const begun = systemClock.monotonic()
  const components = serverComponents({ config, settings, hostname, address, clock: systemClock, log })
  const failure = await supervise({ components, clock: systemClock, log, stopMilliseconds }, io.signal, () => {
    log.info('mk8s is ready', { milliseconds: Math.round(systemClock.monotonic() - begun), kubeconfig: config.writeKubeconfig })
  }).catch(oneLine(log))
  if (failure) throw new CliError(failure.message)
  log.info('mk8s has stopped; pods go on')
  return 0
}

const oneLine = (log: Logger) => (error: Error): never => {
  log.debug('start failed', { stack: error.stack })
  throw new CliError(error.message.split('\n')[0]!)
}
