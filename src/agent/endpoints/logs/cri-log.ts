// Lines of a container's log file: `<RFC 3339 time> <stdout|stderr> <F|P> <content>` (source: k8s.io/cri-client/pkg/logs).
export interface LogLine {
  /** UTC, nine decimals: sorts as text. */
  time: string
  stream: 'stdout' | 'stderr'
  /** With its line end; without one when the line goes on in the next entry. */
  content: Buffer
}

const space = 0x20
const newline = 0x0a

/** `line` ends with its newline unless it is the last of a file. Undefined when it is no log line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space)
  const second = line.indexOf(space, first + 1)
  const third = line.indexOf(space, second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const time = normalTime(line.toString('latin1', 0, first))
  const stream = line.toString('latin1', first + 1, second)
  if (time === undefined || (stream !== 'stdout' && stream !== 'stderr')) return undefined
  const isPartial = line.toString('latin1', second + 1, third).split(':')[0] === 'P'
  const end = isPartial && line.at(-1) === newline ? line.length - 1 : line.length
  return { time, stream, content: line.subarray(third + 1, end) }
}

/** RFC 3339 with any fraction and offset as UTC with nine decimals. */
export function normalTime(text: string): string | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (!found) return undefined
  const whole = Date.parse(`${found[1]}${found[3]}`)
  if (Number.isNaN(whole)) return undefined
  return `${new Date(whole).toISOString().slice(0, 19)}.${(found[2] ?? '').padEnd(9, '0')}Z`
}
