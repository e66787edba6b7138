// Replaces authorities without a moment in which somebody is not trusted. What is new is prepared in `server/tls/next`, and taken at the next start
// of the server, so that all parts of a running one go by the same authorities.
//
// An authority's file begins with the new one and its chain; behind it come its root as signed by the one before, which servers send along for those who know only
// that one, and those before, which stay trusted until they end or are dropped.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../base/read-file.ts'
import { syncDirectory } from '../base/sync-directory.ts'
import { writeAtomically } from './files.ts'
import { belongTogether, isSelfSigned, type KeyPair, parsedCertificate, pemBlocks } from './inspect.ts'
import { crossSign, issueAuthority, newPrivateKey, notAfterFor } from './issue.ts'
import { authorityLifetime, leafLifetime } from './server-pki.ts'
import { authorities } from './services.ts'

interface ReplaceOptions {
  /** The data directory. */
  directory: string
  /** Directory with the new authorities, as k3s has it: `server-ca.crt`, `server-ca.key`, ..., `service.key`, there or in `tls/`. Without it they are made. */
  from: string | undefined
  /** Do not go on trusting those before. */
  force: boolean
  /** Milliseconds since 1970. */
  now: number
}

export interface Replacement {
  /** Files that the next start takes. */
  files: readonly string[]
  /** Directory with those in use now. */
  kept: string
}

const names = authorities.map((path) => path.slice('server/tls/'.length))
const certificatesIn = (text: string | undefined) => pemBlocks(text ?? '').filter((block) => block.includes('CERTIFICATE'))
const keysIn = (text: string | undefined) => pemBlocks(text ?? '').filter((block) => block.includes('PRIVATE KEY'))

/** @throws Error in one line when the new ones cannot be used; nothing has changed then. */
export async function prepareReplacement({ directory, from, force, now }: ReplaceOptions): Promise<Replacement> {
  const tls = join(directory, 'server/tls')
  const files = new Map<string, string>()
  for (const name of names) {
    const given = from === undefined ? await makeAuthority(name, now) : givenAuthority(from, name, now)
    if (!given) continue
    const old = { certificates: certificatesIn(readText(join(tls, `${name}.crt`))), key: readText(join(tls, `${name}.key`)) ?? '' }
    files.set(`${name}.key`, given.key)
    files.set(`${name}.crt`, force ? given.certificates.join('') : await withThoseBefore(given, old, { crossSigned: name === 'server-ca', now }))
  }
  const signing = from === undefined ? [] : keysIn(readGiven(from, 'service.key'))
  if (signing.length > 0) files.set('service.key', [...new Set([...signing, ...(force ? [] : keysIn(readText(join(tls, 'service.key'))))])].join(''))
  if (files.size === 0) throw new Error(`there is none of ${names.map((name) => `${name}.crt`).join(', ')}, service.key in ${from}`)
  return stage(tls, files, now)
}

/** Prepares the end of trust in all authorities and signing keys but the present ones. */
export function prepareDropping({ directory, now }: Pick<ReplaceOptions, 'directory' | 'now'>): Replacement | undefined {
  const tls = join(directory, 'server/tls')
  const files = new Map<string, string>()
  for (const name of names) {
    const all = certificatesIn(readText(join(tls, `${name}.crt`)))
    const present = chainOf(all)
    if (present.length < all.length) files.set(`${name}.crt`, present.join(''))
  }
  const keys = keysIn(readText(join(tls, 'service.key')))
  if (keys.length > 1) files.set('service.key', keys[0]!)
  return files.size > 0 ? stage(tls, files, now) : undefined
}

/** Takes what has been prepared. Can be broken off and called again. @returns the files that are new */
export function adoptReplacement(directory: string): string[] {
  const tls = join(directory, 'server/tls')
  const next = join(tls, 'next')
  if (!existsSync(next)) return []
  // keys first: a certificate without its key would be taken for damage
  const files = readdirSync(next).sort((a, b) => Number(b.endsWith('.key')) - Number(a.endsWith('.key')))
  for (const file of files) renameSync(join(next, file), join(tls, file))
  syncDirectory(tls)
  rmdirSync(next)
  return files
}

function stage(tls: string, files: ReadonlyMap<string, string>, now: number): Replacement {
  const next = join(tls, 'next')
  if (existsSync(next)) throw new Error(`another replacement is prepared already: restart mk8s to take it, or remove ${next}`)
  const kept = `${tls}-${Math.floor(now / 1000)}`
  cpSync(tls, kept, { recursive: true })
  const young = join(tls, `next-${process.pid}`)
  rmSync(young, { recursive: true, force: true })
  mkdirSync(young, { mode: 0o700 })
  for (const [name, text] of files) writeAtomically(join(young, name), text)
  renameSync(young, next)
  syncDirectory(tls)
  return { files: [...files.keys()], kept }
}

interface NewAuthority {
  certificates: string[]
  key: string
}

async function makeAuthority(name: string, now: number): Promise<NewAuthority> {
  const key = newPrivateKey()
  return { key, certificates: [await issueAuthority({ commonName: `mk8s-${name}@${Math.floor(now / 1000)}`, key, notAfter: notAfterFor(now, authorityLifetime) })] }
}

const readGiven = (from: string, file: string) => readText(join(from, file)) ?? readText(join(from, 'tls', file))

function givenAuthority(from: string, name: string, now: number): NewAuthority | undefined {
  const certificates = certificatesIn(readGiven(from, `${name}.crt`))
  const [key] = keysIn(readGiven(from, `${name}.key`))
  if (certificates.length === 0 && key === undefined) return undefined
  const certificate = certificates[0] === undefined ? undefined : parsedCertificate(certificates[0])
  if (!certificate || key === undefined) throw new Error(`${name}: the certificate (${name}.crt) and its key (${name}.key) are both needed in ${from}`)
  if (!belongTogether(certificate, key)) throw new Error(`${name}: the first certificate of ${name}.crt is not that of the key`)
  if (!certificate.ca) throw new Error(`${name}: the first certificate of ${name}.crt is not that of an authority`)
  if (!isSelfSigned(parsedCertificate(chainOf(certificates).at(-1)!)!)) throw new Error(`${name}: ${name}.crt must also hold the authorities above it, up to the root`)
  if (certificate.validToDate.getTime() - now < leafLifetime) throw new Error(`${name}: it ends within a year`)
  return { certificates, key }
}

async function withThoseBefore(given: NewAuthority, old: NewAuthority, { crossSigned, now }: { crossSigned: boolean; now: number }): Promise<string> {
  const before = old.certificates.filter((block) => (parsedCertificate(block)?.validToDate.getTime() ?? 0) > now)
  const signer: KeyPair | undefined = before[0] === undefined ? undefined : { certificate: before[0], key: old.key }
  const chain = chainOf(given.certificates)
  // the root and not what is below it: two certificates for one authority below a root lead OpenSSL astray
  const cross = crossSigned && signer ? [await crossSign(chain.at(-1)!, signer)] : []
  return [...new Set([...chain, ...cross, ...given.certificates, ...before])].join('')
}

/** The first certificate and those above it. */
function chainOf(blocks: readonly string[]): string[] {
  const [first, ...others] = blocks
  const certificate = first === undefined ? undefined : parsedCertificate(first)
  if (!certificate || isSelfSigned(certificate)) return blocks.slice(0, 1)
  const next = others.findIndex((block) => certificate.checkIssued(parsedCertificate(block)!))
  return [first!, ...(next < 0 ? [] : chainOf(others.slice(next)))]
}
