// Cron schedules, as the parser that upstream uses reads them (source: github.com/robfig/cron v3, standard parser).

interface Bounds {
  low: number
  high: number
  names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const fields: readonly Bounds[] = [
  { low: 0, high: 59 }, { low: 0, high: 23 }, { low: 1, high: 31 }, { low: 1, high: 12, names: months }, { low: 0, high: 6, names: days },
]
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']

function integer(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (Number(text) < 0) throw new Error(`negative number (${Number(text)}) not allowed: ${text}`)
  return Number(text)
}

function numberOrName(text: string, { names, low }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1
  return index < 0 ? integer(text) : index + low
}

function checkRange(text: string, bounds: Bounds): void {
  const [range = '', ...steps] = text.split('/')
  const ends = range.split('-')
  let [start, end] = [bounds.low, bounds.high]
  if (ends[0] !== '*' && ends[0] !== '?') {
    start = numberOrName(ends[0]!, bounds)
    if (ends.length > 2) throw new Error(`too many hyphens: ${text}`)
    end = ends.length === 2 ? numberOrName(ends[1]!, bounds) : start
  }
  if (steps.length > 1) throw new Error(`too many slashes: ${text}`)
  const step = steps.length === 1 ? integer(steps[0]!) : 1
  if (steps.length === 1 && ends.length === 1) end = bounds.high
  if (start < bounds.low) throw new Error(`beginning of range (${start}) below minimum (${bounds.low}): ${text}`)
  if (end > bounds.high) throw new Error(`end of range (${end}) above maximum (${bounds.high}): ${text}`)
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
}

function checkDescriptor(text: string): void {
  if (descriptors.includes(text)) return
  if (!text.startsWith('@every ')) throw new Error(`unrecognized descriptor: ${text}`)
  const duration = text.slice('@every '.length)
  if (!/^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(duration)) throw new Error(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`)
}

/** @throws Error with the parser's wording. */
export function checkSchedule(schedule: string): void {
  const text = schedule.replace(/^(CRON_)?TZ=\S+\s*/, '').trim()
  if (text === '') throw new Error('empty spec string')
  if (text.startsWith('@')) return checkDescriptor(text)
  const parts = text.split(/\s+/)
  if (parts.length !== fields.length) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`)
  for (const [index, part] of parts.entries()) for (const range of part.split(',').filter(Boolean)) checkRange(range, fields[index]!)
}
