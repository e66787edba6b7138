// Everything that mk8s put on a machine, taken away again: first what runs (killall), then files. What others put there stays: Debian's packages, another
// kubelet's files, a mount point or symbolic link that an administrator made for the data.
import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from '../../base/child-process.ts'
import { mountsBelow } from '../../base/mounts.ts'
import { listIfThere, readIfThere } from '../../base/read-file.ts'
import { defaultDataDirectory } from '../../runtime/containerd/paths.ts'
import { pathsOf } from '../paths.ts'
import { killEverything, type Say } from './killall.ts'
import { removeEmpty } from './remains.ts'

interface UninstallOptions {
  dataDirectory: string
  kubeconfig: string
  /** Leave the data directory and the configuration in /etc/mk8s. */
  keepData: boolean
  /** Also what belongs to the machine and not to one data directory: program, unit, configuration. */
  wholeMachine: boolean
}

const configuration = '/etc/mk8s'
const unit = '/etc/systemd/system/mk8s.service'
const program = '/usr/local/bin/mk8s'
/** As scripts/quickstart writes them where there is no systemd. */
const backgroundFiles = ['/var/log/mk8s.log', '/run/mk8s.pid']

/** What will go, for the question that is asked before. @throws an error of one line for a data directory that must not be deleted. */
export function describeUninstall({ dataDirectory, kubeconfig, keepData, wholeMachine }: UninstallOptions): string[] {
  const paths = pathsOf(dataDirectory)
  const wrong = keepData ? undefined : refusal(paths.data, listIfThere(paths.data))
  if (wrong) throw new Error(wrong)
  const data = keepData ? [] : [paths.data, kubeconfig, ...(wholeMachine ? [configuration] : [])]
  return [...data, paths.kubelet, paths.podLogs, paths.containerLogs, paths.run, ...(wholeMachine ? [unit, program, ...backgroundFiles] : [])].filter((path) => existsSync(path))
}

/** Why a directory with these entries is not taken for a data directory of ours. */
export function refusal(directory: string, entries: readonly string[]): string | undefined {
  const inside = ['/usr', '/bin', '/sbin', '/lib', '/boot', '/dev', '/proc', '/sys', '/run', '/etc', '/home', '/root', '/tmp', '/opt', '/srv', '/mnt', '/media', '/var/lib', '/var/log'].find((path) => path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`))
  if (inside) return `--data-dir: ${directory} is a directory of the system and is not deleted`
  if (entries.length > 0 && !entries.includes('server') && !entries.includes('agent')) return `--data-dir: ${directory} holds no data of mk8s and is not deleted`
  return undefined
}

/** @throws an error of one line when something cannot be taken away. */
export async function uninstall(options: UninstallOptions, say: Say): Promise<void> {
  const paths = pathsOf(options.dataDirectory)
  const { wholeMachine, keepData } = options
  const hasSystemd = existsSync('/run/systemd/system')
  if (wholeMachine && hasSystemd && existsSync(unit)) await run('systemctl', ['disable', '--now', 'mk8s.service'], { timeoutMilliseconds: 90_000 })
  await killEverything(paths.data, say)
  const [mounted] = keepData ? [] : mountsBelow([paths.data])
  if (mounted) throw new Error(`${mounted} is mounted within the data directory: unmount it and repeat "mk8s uninstall"`)
  // with pods and tmpfs gone, what is still there is another kubelet's, and so are the logs beside it
  if (existsSync(paths.kubelet)) say(`${paths.kubelet} has files of another kubelet and stays, as do ${paths.podLogs} and ${paths.containerLogs}`)
  else for (const path of [paths.podLogs, paths.containerLogs]) rmSync(path, { recursive: true, force: true })
  if (!keepData) {
    if (isOurKubeconfig(options.kubeconfig, paths.data)) rmSync(options.kubeconfig)
    empty(paths.data)
    if (wholeMachine) rmSync(configuration, { recursive: true, force: true })
  }
  if (wholeMachine) {
    for (const path of [unit, program, ...backgroundFiles]) rmSync(path, { force: true })
    if (hasSystemd) await run('systemctl', ['daemon-reload'], { timeoutMilliseconds: 60_000 })
  }
  say(keepData ? `mk8s is uninstalled; its data is still in ${paths.data}` : 'mk8s is uninstalled')
}

function isOurKubeconfig(path: string, data: string): boolean {
  const authority = readIfThere(join(data, 'agent/server-ca.crt'))
  return authority !== '' && readIfThere(path).includes(Buffer.from(authority).toString('base64'))
}

/** A directory goes with its content; of a mount point or a symbolic link only the content. */
function empty(directory: string): void {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true })
  if (!lstatSync(directory).isSymbolicLink()) removeEmpty(directory)
}

/** Whether `mk8s uninstall` with this data directory means all there is of mk8s on the machine. */
export const meansWholeMachine = (dataDirectory: string, configured: string): boolean => [resolve(configured), defaultDataDirectory].includes(resolve(dataDirectory))
