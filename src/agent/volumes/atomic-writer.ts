// Files that change together: each set lies in a directory of its own, and one rename of the link `..data` makes it current.
// A reader sees the old set or the new one, never a mixture (source: k8s.io/kubernetes pkg/volume/util/atomic_writer).
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface PayloadFile {
  data: Buffer
  mode: number
  /** Owner; default root. */
  uid?: number
}

/** By path relative to the volume. */
type Payload = ReadonlyMap<string, PayloadFile>

interface WritePayload {
  directory: string
  payload: Payload
  /** Group that may read everything. */
  fsGroup?: number
}

const dataLink = '..data'

/** Writes nothing when the same is there already. @returns whether something changed. */
export async function writePayload({ directory, payload, fsGroup }: WritePayload): Promise<boolean> {
  const link = join(directory, dataLink)
  const current = await readlink(link).catch(() => undefined)
  if (current !== undefined && (await holds(join(directory, current), payload))) {
    // an earlier process may have ended just before it made them
    await linkNames(directory, payload)
    return false
  }
  const fresh = await mkdtemp(join(directory, `..${new Date().toISOString().slice(0, 19).replace(/[-:T]/g, '_')}.`))
  await chmod(fresh, 0o755)
  for (const [path, file] of payload) await writeOne(fresh, path, file, fsGroup)
  if (fsGroup !== undefined) await shareDirectories(fresh, fsGroup)
  const name = fresh.slice(directory.length + 1)
  const temporary = join(directory, '..data_tmp')
  await rm(temporary, { force: true })
  await symlink(name, temporary)
  await rename(temporary, link)
  await linkNames(directory, payload)
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true })
  return true
}

async function writeOne(root: string, path: string, { data, mode, uid }: PayloadFile, fsGroup: number | undefined): Promise<void> {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true, mode: 0o755 })
  await writeFile(file, data)
  if (uid !== undefined || fsGroup !== undefined) await chown(file, uid ?? 0, fsGroup ?? 0)
  await chmod(file, fsGroup === undefined ? mode : mode | 0o440)
}

async function shareDirectories(directory: string, fsGroup: number): Promise<void> {
  await chown(directory, 0, fsGroup)
  await chmod(directory, ((await stat(directory)).mode & 0o777) | 0o2550)
  for (const entry of await readdir(directory, { withFileTypes: true })) if (entry.isDirectory()) await shareDirectories(join(directory, entry.name), fsGroup)
}

async function holds(directory: string, payload: Payload): Promise<boolean> {
  const paths = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  if (paths.filter((entry) => entry.isFile()).length !== payload.size) return false
  for (const [path, { data }] of payload) {
    const found = await readFile(join(directory, path)).catch(() => undefined)
    if (!found?.equals(data)) return false
  }
  return true
}

/** Each first part of a path is a link into the current set. */
async function linkNames(directory: string, payload: Payload): Promise<void> {
  const names = new Set([...payload.keys()].map((path) => path.split('/')[0]!))
  const present = await readdir(directory)
  for (const name of present) if (!name.startsWith('..') && !names.has(name)) await rm(join(directory, name), { recursive: true, force: true })
  for (const name of names) if (!present.includes(name)) await symlink(join(dataLink, name), join(directory, name))
}
