// Header blocks of SPDY/3 (source: draft-mbelshe-httpbis-spdy-00, 2.6.10). One zlib stream runs through all blocks of a direction.
// What we send is stored, not compressed: the few short headers are not worth a deflater each connection, and the result needs no thread.
import { createInflate, type Inflate } from 'node:zlib'

const names = [
  'options', 'head', 'post', 'put', 'delete', 'trace', 'accept', 'accept-charset', 'accept-encoding', 'accept-language', 'accept-ranges', 'age', 'allow', 'authorization', 'cache-control',
  'connection', 'content-base', 'content-encoding', 'content-language', 'content-length', 'content-location', 'content-md5', 'content-range', 'content-type', 'date', 'etag', 'expect',
  'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'pragma',
  'proxy-authenticate', 'proxy-authorization', 'range', 'referer', 'retry-after', 'server', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent', 'vary', 'via', 'warning',
  'www-authenticate', 'method', 'get', 'status', '200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin',
]
const phrases =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented' +
  '503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,' +
  'application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

/** The dictionary both sides start from. Its Adler-32 is e3c6a7c2. */
export const dictionary = Buffer.concat([...names.flatMap((name) => [uint32(name.length), Buffer.from(name)]), Buffer.from(phrases)])

/** Names in lower case; several values of one name are joined by NUL. */
export type HeaderMap = Readonly<Record<string, string>>

const storedLimit = 0xffff

export function createHeaderWriter(): (headers: HeaderMap) => Buffer {
  let isFirst = true
  return (headers) => {
    const plain = renderHeaders(headers)
    const parts: Buffer[] = isFirst ? [Buffer.from([0x78, 0x01])] : []
    isFirst = false
    for (let at = 0; at < plain.length; at += storedLimit) parts.push(...stored(plain.subarray(at, at + storedLimit)))
    // An empty stored block: what a flush writes, and what a reader waits for.
    return Buffer.concat([...parts, ...stored(Buffer.alloc(0))])
  }
}

function stored(content: Buffer): Buffer[] {
  const head = Buffer.alloc(5)
  head.writeUInt16LE(content.length, 1)
  head.writeUInt16LE(~content.length & 0xffff, 3)
  return [head, content]
}

function renderHeaders(headers: HeaderMap): Buffer {
  const entries = Object.entries(headers)
  const texts = entries.flat().map((text) => Buffer.from(text))
  return Buffer.concat([uint32(entries.length), ...texts.flatMap((text) => [uint32(text.length), text])])
}

interface HeaderReader {
  read(block: Buffer): Promise<Record<string, string>>
  close(): void
}

export function createHeaderReader(): HeaderReader {
  let inflate: Inflate | undefined
  return {
    async read(block) {
      inflate ??= createInflate({ dictionary })
      return parseHeaders(await inflateMore(inflate, block))
    },
    close: () => inflate?.close(),
  }
}

function inflateMore(inflate: Inflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const take = () => {
      for (let chunk = inflate.read() as Buffer | null; chunk !== null; chunk = inflate.read() as Buffer | null) chunks.push(chunk)
    }
    inflate.once('error', reject)
    inflate.on('readable', take)
    inflate.write(block, () => {
      take()
      inflate.off('error', reject)
      inflate.off('readable', take)
      resolve(Buffer.concat(chunks))
    })
  })
}

function parseHeaders(plain: Buffer): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  let at = 4
  const text = () => {
    const length = plain.readUInt32BE(at)
    if (at + 4 + length > plain.length) throw new Error('SPDY: a header block is cut short')
    at += 4 + length
    return plain.toString('utf8', at - length, at)
  }
  for (let left = plain.readUInt32BE(0); left > 0; left--) {
    const name = text().toLowerCase()
    headers[name] = text()
  }
  return headers
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}
