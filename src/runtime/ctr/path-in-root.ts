// Where a path of a container leads, seen from outside: links are followed as inside, so none leads out.
import { readlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'

/** As Linux has it. */
const mostLinks = 40

/** @returns a path below `root`; what does not exist is not followed. */
export async function pathInRoot(root: string, path: string): Promise<string> {
  let followed = '/'
  const names = path.split('/')
  for (let links = 0; names.length > 0; ) {
    const next = normalize(join(followed, names.shift()!))
    const target = await readlink(join(root, next)).catch(() => undefined)
    if (target === undefined) followed = next
    else if (++links > mostLinks) throw Object.assign(new Error(`too many levels of symbolic links: ${path}`), { code: 'ELOOP' })
    else {
      names.unshift(...target.split('/'))
      followed = target.startsWith('/') ? '/' : dirname(next)
    }
  }
  return join(root, followed)
}
