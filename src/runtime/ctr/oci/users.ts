// Who a container's process is: numbers or names of the image's own /etc/passwd and /etc/group (source: the OCI image specification, `User`).
import { readFile } from 'node:fs/promises'
import { RuntimeError, type SecuritySpec } from '../../container-runtime.ts'
import { pathInRoot } from '../path-in-root.ts'

export interface ProcessUser {
  uid: number
  gid: number
  supplementalGroups: number[]
}

interface Entry {
  name: string
  id: number
  /** The group of a user; nothing for a group. */
  group: number
  members: string[]
}

/** @param root the container's root file system. @param imageUser `user`, `user:group`, each a name or a number. */
export async function resolveUser(root: string, imageUser: string, security: SecuritySpec): Promise<ProcessUser> {
  const [imageName = '', imageGroup = ''] = imageUser.split(':')
  const overridden = security.runAsUser !== undefined
  const wanted = overridden ? String(security.runAsUser) : imageName || '0'
  const wantedGroup = security.runAsGroup !== undefined ? String(security.runAsGroup) : overridden ? '' : imageGroup
  const [users, groups] = await Promise.all([entries(root, 'etc/passwd'), entries(root, 'etc/group')])
  const user = find(users, wanted)
  const uid = user?.id ?? number(wanted)
  if (uid === undefined) throw new RuntimeError('Unknown', `unable to find user ${wanted}: no matching entries in passwd file`)
  const group = wantedGroup === '' ? undefined : find(groups, wantedGroup)?.id ?? number(wantedGroup)
  if (wantedGroup !== '' && group === undefined) throw new RuntimeError('Unknown', `unable to find group ${wantedGroup}: no matching entries in group file`)
  const gid = group ?? user?.group ?? 0
  const memberships = user ? groups.filter(({ members }) => members.includes(user.name)).map(({ id }) => id) : []
  return { uid, gid, supplementalGroups: [...new Set([gid, ...memberships, ...(security.supplementalGroups ?? [])])] }
}

const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined)
const find = (list: Entry[], wanted: string) => list.find(({ name }) => name === wanted) ?? list.find(({ id }) => id === number(wanted))

/** Lines of `name:x:id:group-or-members:...`. */
async function entries(root: string, path: string): Promise<Entry[]> {
  const text = await readFile(await pathInRoot(root, path), 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [name, , id, rest = ''] = line.split(':')
    return name && id && number(id) !== undefined ? [{ name, id: Number(id), group: Number(rest) || 0, members: rest.trim().split(',') }] : []
  })
}
