// Kernel parameters that the pod network needs, and the way back to what they were. The file that remembers is gone after a reboot, as the changes are.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

type Before = Record<string, { before: string; ours: string }>

const root = '/proc/sys'

export async function setParameter(name: string, value: string, file: string): Promise<void> {
  const now = (await readFile(join(root, name), 'utf8')).trim()
  if (now === value) return
  const remembered = await read(file)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify({ [name]: { before: now, ours: value }, ...remembered }))
  await writeFile(join(root, name), value)
}

/** What somebody has changed since is left alone. */
export async function restoreParameters(file: string): Promise<void> {
  for (const [name, { before, ours }] of Object.entries(await read(file))) {
    const now = await readFile(join(root, name), 'utf8').catch(() => '')
    if (now.trim() === ours) await writeFile(join(root, name), before).catch(() => {})
  }
  await rm(file, { force: true })
}

const read = (file: string): Promise<Before> => readFile(file, 'utf8').then((text) => JSON.parse(text) as Before).catch(() => ({}))
