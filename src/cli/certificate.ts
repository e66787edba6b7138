// `mk8s certificate`: what there is, new leaves, new authorities. With k3s's names and meanings.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { askServer } from '../distro/control-socket.ts'
import { pathsOf } from '../distro/paths.ts'
import { prepareDropping, prepareReplacement } from '../pki/replace-authorities.ts'
import { isWellOff, reportCertificates } from '../pki/report.ts'
import { discardCertificates, type Service, serviceNames } from '../pki/services.ts'
import { type DataDirectoryFlags, dataDirectoryOptions, inOneLine } from './data-directory-options.ts'
import { CliError, type CliIo } from './io.ts'
import { table } from './table.ts'

type CertificateFlags = DataDirectoryFlags & { service?: string[] }

/** Those of k3s that are not there: in mk8s they run inside the server, and show no certificate to each other. */
const partsWithout = ['controller-manager', 'scheduler', 'supervisor', 'cloud-controller', 'etcd', 'kube-proxy', 'k3s-controller', 'k3s-server', 'mk8s-controller', 'mk8s-server']

export function checkCertificates(io: CliIo, flags: CertificateFlags & { output: string }): number {
  const directory = directoryOf(io, flags)
  const found = reportCertificates(directory, { of: servicesOf(flags), withAuthorities: !flags.service, now: Date.now() })
  if (flags.output === 'json') io.out(JSON.stringify({ certificates: found }, null, 2) + '\n')
  else io.out(table([['FILE', 'SUBJECT', 'SANS', 'EXPIRES', 'DAYS LEFT', 'STATE'], ...found.map((one) => [one.file, one.subject, one.sans.join(','), one.notAfter, String(one.daysLeft), one.state])]))
  return found.every(isWellOff) ? 0 : 1
}

export async function rotateCertificates(io: CliIo, flags: CertificateFlags): Promise<void> {
  const directory = directoryOf(io, flags)
  const services = servicesOf(flags)
  const answer = await inOneLine(askServer(pathsOf(directory).control, '/certificates/rotate', { services }))
  if (answer) return (answer.renewed as string[]).forEach((file) => io.out(`renewed ${file}\n`))
  discardCertificates(directory, services)
  io.out(`the next start of the server makes new certificates for ${services.join(', ')}\n`)
}

interface RotateAuthoritiesFlags extends DataDirectoryFlags {
  path?: string
  force?: boolean
  dropOld?: boolean
}

export async function rotateAuthorities(io: CliIo, flags: RotateAuthoritiesFlags): Promise<void> {
  const directory = directoryOf(io, flags)
  if (flags.dropOld && (flags.path || flags.force)) throw new CliError('--drop-old replaces nothing: give it alone')
  const now = Date.now()
  const prepared = await inOneLine((async () => (flags.dropOld ? prepareDropping({ directory, now }) : prepareReplacement({ directory, from: flags.path && resolve(flags.path), force: flags.force ?? false, now })))())
  if (!prepared) return io.out('there is nothing to drop: only the present authorities are trusted\n')
  io.out(`prepared: ${prepared.files.filter((file) => !file.endsWith('-ca.key')).join(', ')}\n`)
  io.out(`those in use are kept in ${prepared.kept}\n`)
  io.out(flags.dropOld || flags.force
    ? 'the next start of the server takes them (systemctl restart mk8s; pods go on): who trusts only what was before is refused from then on\n'
    : 'the next start of the server takes them (systemctl restart mk8s; pods go on); those before stay trusted until "mk8s certificate rotate-ca --drop-old"\n')
}

function directoryOf(io: CliIo, flags: DataDirectoryFlags): string {
  const directory = pathsOf(dataDirectoryOptions(io, flags, 'certificate').dataDir).data
  if (!existsSync(join(directory, 'server/tls'))) throw new CliError(`there are no certificates in ${directory}: is --data-dir right?`)
  return directory
}

function servicesOf({ service }: CertificateFlags): readonly Service[] {
  for (const name of service ?? []) {
    if (partsWithout.includes(name)) throw new CliError(`--service: ${name} has no certificate, it runs inside the server; choose of ${serviceNames.join(', ')}`)
    if (!(serviceNames as string[]).includes(name)) throw new CliError(`--service: ${JSON.stringify(name)} is not one of ${serviceNames.join(', ')}`)
  }
  return (service as Service[] | undefined) ?? serviceNames
}
