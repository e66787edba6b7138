// `mk8s killall`: ends the server and every pod of a data directory, and takes away what they left in the kernel. Data stays.
import { killEverything } from '../distro/leaving/killall.ts'
import { CliError, type CliIo } from './io.ts'

export async function killAll(io: CliIo, dataDirectory: string): Promise<void> {
  if (process.geteuid?.() !== 0) throw new CliError('killall must run as root')
  await killEverything(dataDirectory, (line) => io.out(`${line}\n`)).catch((error: Error) => {
    throw new CliError(error.message)
  })
}
