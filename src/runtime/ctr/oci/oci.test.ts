import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { containerSpec } from '../../contract.ts'
import { chainIdOf } from '../images.ts'
import { pathInRoot } from '../path-in-root.ts'
import { capabilitiesOf, currentCapabilities, defaultCapabilities } from './capabilities.ts'
import { containerMounts } from './mounts.ts'
import { ociResources } from './resources.ts'
import { resolveUser } from './users.ts'

describe('capabilities', () => {
  const current = ['CAP_CHOWN', 'CAP_SYS_ADMIN']
  it.each([
    ['the usual ones', {}, defaultCapabilities],
    ['one more, one less', { capabilities: { add: ['net_admin'], drop: ['CHOWN'] } }, [...defaultCapabilities.filter((name) => name !== 'CAP_CHOWN'), 'CAP_NET_ADMIN']],
    ['none but', { capabilities: { add: ['CAP_KILL'], drop: ['ALL'] } }, ['CAP_KILL']],
    ['all but', { capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } }, ['CAP_CHOWN']],
    ['all that there are', { privileged: true, capabilities: { add: [], drop: ['ALL'] } }, current],
  ])('%s', (_what, security, expected) => expect(capabilitiesOf(security, current)).toEqual(expected))

  it('reads its own', () => expect(currentCapabilities('CapEff:\t0000000000200001\n')).toEqual(['CAP_CHOWN', 'CAP_SYS_ADMIN']))
})

describe('users', () => {
  let root: string
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'mk8s-users-')))
    mkdirSync(join(root, 'etc'))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:101:102::/:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nweb:x:102:\nlogs:x:200:other,web\n')
  })
  afterAll(() => rmSync(root, { recursive: true }))

  it.each([
    ['', {}, [0, 0, [0]]],
    ['web', {}, [101, 102, [102, 200]]],
    ['web:logs', {}, [101, 200, [200]]],
    ['101', {}, [101, 102, [102, 200]]],
    ['5000:6000', {}, [5000, 6000, [6000]]],
    ['web', { runAsUser: 7 }, [7, 0, [0]]],
    ['web', { runAsUser: 7, runAsGroup: 8, supplementalGroups: [9, 8] }, [7, 8, [8, 9]]],
    ['', { runAsUser: 101 }, [101, 102, [102, 200]]],
  ])('%j with %j', async (user, security, [uid, gid, supplementalGroups]) => {
    const found = await resolveUser(root, user as string, security)
    expect({ ...found, supplementalGroups: found.supplementalGroups.sort() }).toEqual({ uid, gid, supplementalGroups })
  })

  it('refuses a name that is not there, and a file that leads out', async () => {
    await expect(resolveUser(root, 'nobody', {})).rejects.toThrow('unable to find user nobody: no matching entries in passwd file')
    const other = mkdtempSync(join(tmpdir(), 'mk8s-users-'))
    symlinkSync(join(root, 'etc'), join(other, 'etc'))
    await expect(resolveUser(other, 'web', {})).rejects.toThrow('unable to find user web')
    rmSync(other, { recursive: true })
  })
})

it('mounts parents before children, and what the pod gives in place of what every container has', async () => {
  const mount = (containerPath: string) => ({ containerPath, hostPath: '/', readonly: true, propagation: 'private' as const })
  const { mounts } = await containerMounts({ spec: containerSpec('a', 'i', '', { mounts: [mount('/dev/shm/deep'), mount('/etc/hosts'), mount('/a')] }), sandboxDirectory: '/s', sharedMemory: '/shm' })
  const places = mounts.map(({ destination }) => destination)
  expect(places.indexOf('/dev/shm')).toBeLessThan(places.indexOf('/dev/shm/deep'))
  expect(mounts.filter(({ destination }) => destination === '/etc/hosts')).toEqual([{ destination: '/etc/hosts', type: 'bind', source: '/', options: ['rbind', 'rprivate', 'ro'] }])
  expect(mounts.find(({ destination }) => destination === '/etc/hostname')).toMatchObject({ source: '/s/hostname' })
})

it('names limits as the specification does', () => {
  const limits = { cpuShares: 102, cpuQuota: 20_000, cpuPeriod: 100_000, memoryLimitBytes: 5, oomScoreAdj: 9 }
  expect(ociResources(limits, { limitsSwap: true })).toEqual({ cpu: { shares: 102, quota: 20_000, period: 100_000 }, memory: { limit: 5, swap: 5 } })
  expect(ociResources(limits, { limitsSwap: false }).memory).toEqual({ limit: 5 })
})

it('follows links as they are inside', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'mk8s-root-')))
  mkdirSync(join(root, 'run/data'), { recursive: true })
  for (const [path, target] of [['var', 'run'], ['abs', '/var/data'], ['out', '../../../etc'], ['loop', 'loop']] as const) symlinkSync(target, join(root, path))
  for (const [path, expected] of [['/var/data/x', 'run/data/x'], ['abs', 'run/data'], ['/out/passwd', 'etc/passwd'], ['/run/../../none', 'none']] as const) expect(await pathInRoot(root, path)).toBe(join(root, expected))
  await expect(pathInRoot(root, 'loop')).rejects.toThrow('too many levels of symbolic links')
  rmSync(root, { recursive: true })
})

it('chains layers', () => {
  expect(chainIdOf(['sha256:aa'])).toBe('sha256:aa')
  expect(chainIdOf(['sha256:aa', 'sha256:bb'])).toBe('sha256:b68ad689d6d1ec110ea1c13617437ad6f3766d4b3b309f6a603a222e07a0164f')
})
