// A stream under a pass phrase: one line that says how the key is made (scrypt), then pieces of 64 kB, each AES-256-GCM with its tag behind it.
// A nonce is the piece's number and whether it is the last, and the first line is authenticated with every piece: what is changed, left out,
// moved, cut off or added anywhere is noticed (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015). The salt makes each file's key its own.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { BackupError } from './backup-error.ts'
import { ByteReader } from './byte-reader.ts'

const magic = 'mk8s-sealed-1 '
const pieceBytes = 64 * 1024
const tagBytes = 16
const longestHeader = 128
/** 32 MB and about 0.2 s on a desktop, 1 s on a Raspberry Pi: OWASP's least for scrypt. */
const usualCost: Cost = { logN: 15, r: 8, p: 3 }

interface Cost {
  logN: number
  r: number
  p: number
}

export async function* seal(source: AsyncIterable<Uint8Array>, passphrase: string, cost = usualCost): AsyncGenerator<Buffer, void, void> {
  const salt = randomBytes(32)
  const header = Buffer.from(`${magic}scrypt ${cost.logN} ${cost.r} ${cost.p} ${salt.toString('base64url')}\n`)
  const key = await deriveKey(passphrase, salt, cost)
  yield header
  const reader = new ByteReader(source)
  for (let number = 0, last = false; !last; number++) {
    const piece = await reader.read(pieceBytes)
    last = (await reader.peek(1)).length === 0
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, last)).setAAD(header)
    yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
  }
}

export const isSealed = async (reader: ByteReader): Promise<boolean> => (await reader.peek(magic.length)).toString('latin1') === magic

/** @throws BackupError when the pass phrase is another one or anything of the stream is not as it was written. */
export async function* unseal(reader: ByteReader, passphrase: string): AsyncGenerator<Buffer, void, void> {
  const header = await readHeader(reader)
  const key = await deriveKey(passphrase, header.salt, header.cost)
  for (let number = 0, last = false; !last; number++) {
    const piece = await reader.read(pieceBytes + tagBytes)
    last = (await reader.peek(1)).length === 0
    if (piece.length < tagBytes) throw new BackupError('the back-up is damaged: it is cut off')
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number, last)).setAAD(header.bytes).setAuthTag(piece.subarray(-tagBytes))
    const plain = decipher.update(piece.subarray(0, -tagBytes))
    try {
      decipher.final()
    } catch {
      throw new BackupError(number === 0 ? 'the pass phrase is wrong, or the back-up is damaged at its beginning' : `the back-up is damaged or cut off near byte ${number * (pieceBytes + tagBytes)}`)
    }
    yield plain
  }
}

async function readHeader(reader: ByteReader): Promise<{ bytes: Buffer; salt: Buffer; cost: Cost }> {
  const end = (await reader.peek(longestHeader)).indexOf('\n')
  const bytes = await reader.read(end + 1)
  const [, logN = 0, r = 0, p = 0, salt = ''] = /^mk8s-sealed-1 scrypt (\d{1,2}) (\d{1,2}) (\d{1,2}) ([\w-]{22,64})\n$/.exec(bytes.toString('latin1')) ?? []
  const read = { logN: Number(logN), r: Number(r), p: Number(p) }
  // what a file may demand of the machine is bounded: 256 MB
  if (read.logN < 1 || read.r < 1 || read.p < 1 || 2 ** read.logN * read.r > 2 ** 21 || read.p > 16) throw new BackupError('the back-up is damaged at its beginning')
  return { bytes, salt: Buffer.from(salt, 'base64url'), cost: read }
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}

const deriveKey = (passphrase: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N: 2 ** logN, r, p, maxmem: 512 << 20 }, (error, key) => (error ? reject(error) : resolve(key)))
  })
