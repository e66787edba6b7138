// `mk8s restore`: puts a back-up in place, and says what that means for this machine.
import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { restore } from '../distro/state-archives.ts'
import { type DataDirectoryFlags, dataDirectoryOptions, inOneLine } from './data-directory-options.ts'
import { CliError, type CliIo } from './io.ts'
import { readPassphrase } from './passphrase.ts'

type RestoreFlags = DataDirectoryFlags & { passphraseFile?: string; skipConfig?: boolean }

export async function restoreFrom(io: CliIo, file: string, flags: RestoreFlags): Promise<void> {
  const options = dataDirectoryOptions(io, flags, 'restore')
  if (file !== '-' && !existsSync(file)) throw new CliError(`${file} does not exist`)
  const source = file === '-' ? process.stdin : createReadStream(file)
  const passphrase = () => readPassphrase(io, { file: flags.passphraseFile, isNew: false })
  const { manifest, revision, aside, written } = await inOneLine(restore(options, { source, passphrase, skipConfiguration: flags.skipConfig ?? false }))
  const lines = [
    `restored node ${manifest.node.name} of ${manifest.created.slice(0, 19)}Z into ${resolve(options.dataDir)}; revisions go on from ${revision}`,
    ...(written.length > 0 ? [`configuration written: ${written.join(', ')}`] : []),
    ...(aside ? [`what was there before is in ${aside}`] : []),
    `the node goes on as ${manifest.node.name}; start the server: systemctl start mk8s`,
  ]
  for (const line of lines) io.out(`${line}\n`)
}
