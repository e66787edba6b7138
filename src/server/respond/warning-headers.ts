// `Warning` headers (RFC 7234), bounded as upstream bounds them (source: apiserver/pkg/endpoints/filters/warning.go).
const longestOfAll = 4096
const longestOfOne = 256

export function warningHeaders(texts: readonly string[]): string[] {
  let written = 0
  const overflow = texts.findIndex((text) => (written += lengthOf(text)) > longestOfAll)
  if (overflow < 0) return texts.map(header)
  const cut = texts.map((text) => [...text].slice(0, longestOfOne).join(''))
  let room = longestOfAll
  // those before the bound was met stay, cut short; others only as long as there is room
  return cut.filter((text, index) => {
    const fits = index <= overflow || room > 0
    if (fits) room -= lengthOf(text)
    return fits
  }).map(header)
}

const lengthOf = (text: string) => [...text].length

const header = (text: string) => `299 - ${quoted(text)}`

/** As a quoted-string of RFC 7230, in one line; header values are bytes, here those of UTF-8. */
const quoted = (text: string) => Buffer.from(`"${text.replace(/[\u0000-\u001f\u007f]+/g, ' ').replace(/["\\]/g, '\\$&')}"`).toString('latin1')
