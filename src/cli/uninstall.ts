// `mk8s uninstall`: ends everything and takes mk8s off the machine, after asking.
import { existsSync, readFileSync } from 'node:fs'
import { ConfigError, loadOptions } from '../config/load.ts'
import { options as defaults } from '../config/options.ts'
import { describeUninstall, meansWholeMachine, uninstall } from '../distro/leaving/uninstall.ts'
import { CliError, type CliIo } from './io.ts'

interface UninstallFlags {
  dataDir?: string
  yes?: boolean
  keepData?: boolean
}

export async function uninstallAll(io: CliIo, flags: UninstallFlags): Promise<void> {
  if (process.geteuid?.() !== 0) throw new CliError('uninstall must run as root')
  const configured = readOptions(io)
  const dataDirectory = flags.dataDir ?? configured.dataDir
  const options = { dataDirectory, kubeconfig: configured.writeKubeconfig, keepData: flags.keepData ?? false, wholeMachine: meansWholeMachine(dataDirectory, configured.dataDir) }
  try {
    const paths = describeUninstall(options)
    if (!flags.yes) await confirm(io, paths)
    await uninstall(options, (line) => io.out(`${line}\n`))
  } catch (error) {
    throw new CliError((error as Error).message)
  }
}

async function confirm(io: CliIo, paths: readonly string[]): Promise<void> {
  if (!io.ask) throw new CliError('uninstall ends every pod and deletes all data of mk8s: repeat it with --yes')
  io.out(`This ends every pod and deletes:\n${paths.map((path) => `  ${path}\n`).join('')}`)
  if ((await io.ask('Type "yes" to go on: ')).trim() !== 'yes') throw new CliError('nothing was changed')
}

/** As the server reads them; a configuration that is not valid does not keep mk8s on the machine. */
function readOptions(io: CliIo): { dataDir: string; writeKubeconfig: string } {
  try {
    return loadOptions({ command: 'server', flags: {}, environment: io.environment, readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { dataDir: defaults.dataDir.default, writeKubeconfig: defaults.writeKubeconfig.default }
  }
}
