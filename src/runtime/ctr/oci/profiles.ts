// The default seccomp and AppArmor profiles are containerd's own: `ctr` writes them into the spec of a container that is created, looked at and
// deleted again, once for each set of capabilities (on which they depend) and version of containerd.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readText } from '../../../base/read-file.ts'
import { RuntimeError, type SecuritySpec } from '../../container-runtime.ts'
import { unlessGone } from '../../cri/connection.ts'
import type { Containerd } from '../containerd.ts'
import { services } from '../services.ts'
import { defaultCapabilities } from './capabilities.ts'

export interface Profiles {
  /** Takes away what a crash left. */
  recover(): Promise<void>
  seccomp(security: SecuritySpec, capabilities: readonly string[]): Promise<unknown>
  apparmor(security: SecuritySpec): Promise<string | undefined>
}

interface Spec {
  linux?: { seccomp?: unknown }
}

const apparmorName = 'cri-containerd.apparmor.d'

export function createProfiles({ containerd, directory, hasAppArmor }: { containerd: Containerd; directory: string; hasAppArmor: boolean }): Profiles {
  const made = new Map<string, Promise<unknown>>()
  let loaded: Promise<unknown> | undefined
  mkdirSync(join(directory, 'empty'), { recursive: true, mode: 0o700 })

  const id = `mk8s-profile-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`
  let asking: Promise<unknown> = Promise.resolve()

  /** One at a time, under one name. */
  function ask(flags: readonly string[]): Promise<Spec> {
    const answer = asking.then(() => askNow(flags), () => askNow(flags))
    asking = answer
    return answer
  }

  async function askNow(flags: readonly string[]): Promise<Spec> {
    await containerd.ctr(['containers', 'create', ...flags, '--rootfs', join(directory, 'empty'), id, '/none'])
    try {
      return (JSON.parse(await containerd.ctr(['containers', 'info', id])) as { Spec: Spec }).Spec
    } finally {
      await containerd.ctr(['containers', 'delete', id])
    }
  }

  async function defaultSeccomp(capabilities: readonly string[]): Promise<unknown> {
    const { version } = await containerd.call(services.version, {})
    const file = join(directory, `${createHash('sha256').update([version, process.arch, ...[...capabilities].sort()].join(' ')).digest('hex').slice(0, 16)}.json`)
    const known = readText(file)
    if (known) return JSON.parse(known)
    const add = capabilities.filter((name) => !defaultCapabilities.includes(name)).flatMap((name) => ['--cap-add', name])
    const drop = defaultCapabilities.filter((name) => !capabilities.includes(name)).flatMap((name) => ['--cap-drop', name])
    const profile = (await ask(['--seccomp', ...add, ...drop])).linux?.seccomp
    if (profile) writeFileSync(file, JSON.stringify(profile), { mode: 0o600 })
    return profile
  }

  return {
    async recover() {
      const left = await unlessGone(containerd.call(services.container, { id }), undefined)
      if (left) await containerd.ctr(['containers', 'delete', id])
    },
    async seccomp({ privileged, seccomp }, capabilities) {
      if (privileged || !seccomp || seccomp.type === 'Unconfined') return undefined
      if (seccomp.type === 'Localhost') return localSeccomp(seccomp.localhost ?? '')
      const key = [...capabilities].sort().join(' ')
      const profile = made.get(key) ?? defaultSeccomp(capabilities)
      made.set(key, profile)
      profile.catch(() => made.delete(key))
      return profile
    },
    async apparmor({ privileged, apparmor }) {
      if (!hasAppArmor || privileged || apparmor?.type === 'Unconfined') return undefined
      if (apparmor?.type === 'Localhost') return requireLoaded(apparmor.localhost ?? '')
      loaded ??= ask(['--apparmor-default-profile', apparmorName])
      loaded.catch(() => (loaded = undefined))
      await loaded
      return apparmorName
    },
  }
}

async function localSeccomp(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new RuntimeError('Unknown', `failed to generate seccomp spec opts: cannot load seccomp profile ${JSON.stringify(path)}: ${(error as Error).message}`, error)
  }
}

function requireLoaded(name: string): string {
  const profiles = readFileSync('/sys/kernel/security/apparmor/profiles', 'utf8').split('\n').map((line) => line.replace(/ \(\w+\)$/, ''))
  if (!profiles.includes(name)) throw new RuntimeError('Unknown', `failed to generate apparmor spec opts: apparmor profile not found ${name}`)
  return name
}
