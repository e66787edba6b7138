// The command line: one file a command, each loaded only when it runs.
import { Command, CommanderError, Option } from 'commander'
import { ConfigError } from '../config/load.ts'
import { version } from '../base/version.ts'
import { CliError, type CliIo } from './io.ts'
import { addOptionFlags, givenFlags } from './option-flags.ts'

/** @returns the exit code. */
export async function runCli(io: CliIo): Promise<number> {
  let code = 0
  const program = buildProgram(io, (result) => (code = result))
  try {
    await program.parseAsync(io.arguments as string[], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof CliError || error instanceof ConfigError) {
      io.error(`mk8s: ${error.message}\n`)
      return error instanceof CliError ? error.exitCode : 1
    }
    io.error(`mk8s: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  }
}

function buildProgram(io: CliIo, done: (code: number) => void): Command {
  const program = new Command('mk8s')
    .description('A single-binary mini-Kubernetes for the edge')
    .version(`mk8s ${version.mk8s} (Kubernetes ${version.kubernetes}, Node ${process.versions.node})`, '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.error, outputError: (text, write) => write(`mk8s: ${text.replace(/^error: /, '')}`) })

  addOptionFlags(program.command('server'), 'server')
    .description('run a whole Kubernetes: API server, scheduler, controllers and, unless told otherwise, this node')
    .action(async (_options, command: Command) => done(await (await import('./server.ts')).runServer(io, givenFlags(command))))
  addOptionFlags(program.command('agent'), 'agent')
    .description('join this machine to a server as a node')
    .option('--join <URL>', 'the same as --server')
    .action(() => {
      throw new CliError('joining a server from another machine is not implemented yet; run "mk8s server", which is a node too')
    })

  const dataDir = ['-d, --data-dir <DIR>', 'data directory of the server', io.environment.MK8S_DATA_DIR ?? '/var/lib/mk8s'] as const
  const images = program.command('images').description("look after the node's container images")
  images.command('import').argument('<file...>', 'image archives (docker or OCI)').option(...dataDir).description('import image archives')
    .action(async (files: string[], options: { dataDir: string }) => (await import('./images.ts')).importArchives(io, options.dataDir, files))
  images.command('list').alias('ls').option(...dataDir).description('list images')
    .action(async (options: { dataDir: string }) => (await import('./images.ts')).listImages(io, options.dataDir))
  images.command('remove').alias('rm').argument('<image...>', 'names or ids').option(...dataDir).description('remove images')
    .action(async (names: string[], options: { dataDir: string }) => (await import('./images.ts')).removeImages(io, options.dataDir, names))
  const where = { data: ['-d, --data-dir <DIR>', 'data directory of the server'], config: ['-c, --config <FILE>', "the server's configuration file"], passphrase: ['--passphrase-file <FILE>', 'the pass phrase is the first line of this file (else MK8S_PASSPHRASE, else asked for)'] } as const
  const privateRegistry = ['--private-registry <FILE>', 'where registries.yaml is (default: /etc/mk8s/registries.yaml)'] as const
  program.command('backup').argument('[file]', 'archive to write; - is standard output').option(...where.data).option(...where.config).option(...privateRegistry)
    .option('--encrypt', 'encrypt with a pass phrase').option(...where.passphrase).option('--list', 'list the copies that the server makes by schedule')
    .option('--etcd-snapshot-dir <DIR>', 'where these copies are').option('--node-name <NAME>', 'name of the node')
    .description('write state, certificates, tokens and configuration into one archive, while the server runs or not')
    .action(async (file: string | undefined, _options, command: Command) => (await import('./backup.ts')).backup(io, file, command.opts()))
  program.command('restore').argument('<file>', 'archive to read; - is standard input').option(...where.data).option(...where.config).option(...privateRegistry).option(...where.passphrase)
    .option('--skip-config', 'leave config.yaml and registries.yaml as they are')
    .description('put a back-up in place of what is in the data directory, while no server runs')
    .action(async (file: string, _options, command: Command) => (await import('./restore.ts')).restoreFrom(io, file, command.opts()))
  const certificate = program.command('certificate').description("look after the server's certificates")
  const service = new Option('-s, --service <NAME>', 'only those of: admin, api-server, auth-proxy, kubelet; may be given several times').argParser((name: string, before: string[] | undefined) => [...(before ?? []), ...name.split(',')])
  certificate.command('check').option(...where.data).option(...where.config).addOption(service).addOption(new Option('-o, --output <FORMAT>', 'how to show them').choices(['table', 'json']).default('table'))
    .description('show the certificates; exit code 1 when one has expired or is due for renewal')
    .action(async (_options, command: Command) => done((await import('./certificate.ts')).checkCertificates(io, command.opts())))
  certificate.command('rotate').option(...where.data).option(...where.config).addOption(service).description('make new certificates: at once in a running server, else at its next start')
    .action(async (_options, command: Command) => (await import('./certificate.ts')).rotateCertificates(io, command.opts()))
  certificate.command('rotate-ca').option(...where.data).option(...where.config)
    .option('--path <DIR>', 'directory with the new authorities, and service.key; without it new ones are made (service.key stays)')
    .option('--force', 'do not go on trusting the authorities before, as when a key has leaked')
    .option('--drop-old', 'replace nothing: end the trust in authorities replaced earlier')
    .description('prepare new certificate authorities for the next start')
    .action(async (_options, command: Command) => (await import('./certificate.ts')).rotateAuthorities(io, command.opts()))
  program.command('doctor').description('check this machine and its server, and say what to do; changes nothing')
    .option('-d, --data-dir <DIR>', 'data directory of the server').option('-c, --config <FILE>', "the server's configuration file").option('-o, --output <FORMAT>', 'text or json', 'text')
    .action(async (options: { dataDir?: string; config?: string; output: string }) => done(await (await import('./doctor.ts')).doctor(io, options)))
  program.command('killall').option(...dataDir).description('stop mk8s and end every pod of this node')
    .action(async (options: { dataDir: string }) => (await import('./killall.ts')).killAll(io, options.dataDir))
  program.command('uninstall').description('end everything and take mk8s off this machine; packages of the distribution stay')
    .option('-d, --data-dir <DIR>', 'data directory of the server (default: as configured)').option('--keep-data', 'leave the data directory and the configuration').option('-y, --yes', 'do not ask')
    .action(async (options: { dataDir?: string; keepData?: boolean; yes?: boolean }) => (await import('./uninstall.ts')).uninstallAll(io, options))
  program.command('completion').argument('<shell>', 'bash, zsh or fish').description('print a completion script')
    .action(async (shell: string) => io.out((await import('./completion.ts')).completionScript(shell, program)))

  for (const command of [program, ...program.commands, ...images.commands, ...certificate.commands]) command.exitOverride().configureOutput(program.configureOutput()).helpOption('-h, --help', 'show this help')
  return program
}
