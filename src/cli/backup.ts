// `mk8s backup`: one archive with everything that makes this server the one it is.
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { listCopies } from '../backup/copies.ts'
import { type Sink, toFile } from '../backup/create.ts'
import { readHostname } from '../distro/machine.ts'
import { chooseNodeName } from '../distro/node-name.ts'
import { ageOf } from '../distro/recover-database.ts'
import { backUp, copiesDirectory } from '../distro/state-archives.ts'
import { type DataDirectoryFlags, dataDirectoryOptions, inOneLine } from './data-directory-options.ts'
import { CliError, type CliIo } from './io.ts'
import { table } from './table.ts'
import { isGiven, readPassphrase } from './passphrase.ts'

type BackupFlags = DataDirectoryFlags & { encrypt?: boolean; passphraseFile?: string; list?: boolean }

export async function backup(io: CliIo, file: string | undefined, flags: BackupFlags): Promise<void> {
  const options = dataDirectoryOptions(io, flags, 'backup')
  if (flags.list) return list(io, copiesDirectory(options))
  if (file === undefined) throw new CliError('which file? "mk8s backup FILE" writes an archive, "mk8s backup --list" lists the copies made by schedule')
  if (file === '-' && process.stdout.isTTY) throw new CliError('an archive is nothing for a terminal: write it to a file or a pipe')
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new CliError(`${file} is a directory: name a file in it`)
  const passphrase = flags.encrypt || isGiven(io, flags.passphraseFile) ? await readPassphrase(io, { file: flags.passphraseFile, isNew: true }) : undefined
  const name = chooseNodeName({ dataDirectory: options.dataDir, given: options.nodeName, hostname: readHostname() })
  const manifest = await inOneLine(backUp(options, { node: { name }, passphrase, sink: file === '-' ? toStandardOutput : toFile(file) }))
  const parts = Object.keys(manifest.files)
  const kinds = [`the state of node ${name} at revision ${manifest.revision}`, `${parts.filter((part) => part.startsWith('tls/')).length} certificates and keys`, ...parts.filter((part) => part.startsWith('config/')).map((part) => part.slice('config/'.length))]
  io.error(`${file === '-' ? 'written' : `${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`}, ${passphrase === undefined ? 'not encrypted: it holds every secret of the cluster' : 'encrypted'}: ${kinds.join(', ')}\n`)
}

const toStandardOutput: Sink = async (archive) => {
  for await (const piece of archive) if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
  process.stdout.end()
  await finished(process.stdout, { readable: false })
}

function list(io: CliIo, directory: string): void {
  const rows = listCopies(directory).map(({ path, time, revision, bytes }) => [path, ageOf(Date.now() - time), String(revision), `${(bytes / 1e6).toFixed(1)}MB`])
  io.out(table([['COPY', 'MADE', 'REVISION', 'SIZE'], ...rows]))
}
