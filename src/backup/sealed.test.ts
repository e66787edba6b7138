import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { ByteReader } from './byte-reader.ts'
import { isSealed, seal, unseal } from './sealed.ts'

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
/** The file says what its key costs; tests need not pay it. */
const cheap = { logN: 4, r: 8, p: 1 }
const all = async (source: AsyncIterable<Buffer>) => {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}
const open = (bytes: Buffer, passphrase = 'open sesame') => all(unseal(new ByteReader(inPieces(bytes, 10_007)), passphrase))

it.each([0, 1, 65_535, 65_536, 65_537, 200_000])('%d bytes come back as they were', async (size) => {
  const plain = randomBytes(size)
  const sealed = await all(seal(inPieces(plain, 4099), 'open sesame', cheap))
  expect(await isSealed(new ByteReader(inPieces(sealed, 5)))).toBe(true)
  expect((await open(sealed)).equals(plain)).toBe(true)
})

it('notices another pass phrase, and every change', async () => {
  const plain = Buffer.alloc(200_000, 'secret')
  const sealed = await all(seal(inPieces(plain, 4099), 'open sesame', cheap))
  expect(sealed.includes('secretsecret')).toBe(false)
  await expect(open(sealed, 'open barley')).rejects.toThrow('the pass phrase is wrong')
  const header = sealed.indexOf('\n') + 1
  const piece = 65_536 + 16
  const changed = (at: number) => Buffer.concat([sealed.subarray(0, at), Buffer.from([sealed[at]! ^ 1]), sealed.subarray(at + 1)])
  for (const at of [20, header - 2, header, header + piece - 1, header + piece, header + 2 * piece + 5, sealed.length - 1]) await expect(open(changed(at)), `byte ${at}`).rejects.toThrow(/damaged|cut off/)
  for (const end of [10, header, header + 5, header + piece, header + 2 * piece, sealed.length - 1]) await expect(open(sealed.subarray(0, end)), `cut at ${end}`).rejects.toThrow(/damaged|cut off/)
  const swapped = Buffer.concat([sealed.subarray(0, header), sealed.subarray(header + piece, header + 2 * piece), sealed.subarray(header, header + piece), sealed.subarray(header + 2 * piece)])
  await expect(open(swapped)).rejects.toThrow('damaged')
  await expect(open(Buffer.concat([sealed, Buffer.from('x')]))).rejects.toThrow('damaged')
})

it('costs 32 MB to try a pass phrase, unless told otherwise', async () => {
  const sealed = await all(seal(inPieces(Buffer.from('x'), 1), 'open sesame'))
  expect(sealed.toString('latin1')).toMatch(/^mk8s-sealed-1 scrypt 15 8 3 /)
  expect(await open(sealed)).toEqual(Buffer.from('x'))
})

it('does not let a file demand any amount of memory', async () => {
  await expect(open(Buffer.from(`mk8s-sealed-1 scrypt 30 8 1 ${'a'.repeat(43)}\n${'x'.repeat(100)}`))).rejects.toThrow('damaged at its beginning')
})
