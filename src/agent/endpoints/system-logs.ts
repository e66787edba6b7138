// GET /logs/...: files below /var/log, directories as a list of links.
import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EndpointError, type PlainCall } from './types.ts'

const root = '/var/log'

export async function serveSystemLogs({ params, response }: PlainCall): Promise<void> {
  const path = await resolveBelow(params.rest ?? '')
  const facts = await stat(path)
  if (facts.isDirectory()) {
    const names = (await readdir(path, { withFileTypes: true })).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
    const links = names.map((name) => `<a href="${encodeURIComponent(name).replace(/%2F$/, '/')}">${name.replace(/[<>&"]/g, '_')}</a>\n`)
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<!doctype html>\n<pre>\n${links.join('')}</pre>\n`)
    return
  }
  if (!facts.isFile()) throw new EndpointError(404, '404 page not found')
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' })
  await pipeline(createReadStream(path), response)
}

/** A link may not lead out of the directory. */
async function resolveBelow(rest: string): Promise<string> {
  const path = await realpath(join(root, normalize(`/${rest}`))).catch(() => undefined)
  const base = await realpath(root)
  if (path === undefined || (path !== base && !path.startsWith(`${base}/`))) throw new EndpointError(404, '404 page not found')
  return path
}
