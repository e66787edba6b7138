// Reads a stream in pieces of the reader's choice, holding no more than one piece and what arrived with it.

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Buffer[] = []
  #bytes = 0
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next `size` bytes; fewer only at the end. They stay to be read. */
  async peek(size: number): Promise<Buffer> {
    while (this.#bytes < size && !this.#ended) {
      const { value, done } = await this.#source.next()
      if (done) this.#ended = true
      else this.#push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    }
    if (this.#held.length > 1) this.#held = [Buffer.concat(this.#held)]
    return (this.#held[0] ?? Buffer.alloc(0)).subarray(0, size)
  }

  async read(size: number): Promise<Buffer> {
    const bytes = await this.peek(size)
    const rest = this.#held[0]?.subarray(bytes.length)
    this.#held = rest && rest.length > 0 ? [rest] : []
    this.#bytes -= bytes.length
    return bytes
  }

  async *pieces(size: number): AsyncGenerator<Buffer, void, void> {
    for (let piece = await this.read(size); piece.length > 0; piece = await this.read(size)) yield piece
  }

  #push(bytes: Buffer): void {
    this.#held.push(bytes)
    this.#bytes += bytes.length
  }
}
