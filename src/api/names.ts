// Formats of names, with upstream's messages (source: k8s.io/apimachinery/pkg/util/validation). Each returns what is wrong; empty when nothing is.

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const dnsSubdomain = `${dnsLabel}(\\.${dnsLabel})*`
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?'
const wildcardSubdomain = `\\*\\.${dnsSubdomain}`
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValue = `(${qualifiedName})?`
const percent = '[0-9]+%'
const headerName = '[-A-Za-z0-9]+'
const configMapKey = '[-._a-zA-Z0-9]+'
const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

const whole = (pattern: string) => new RegExp(`^${pattern}$`)
const bytes = (text: string): number => Buffer.byteLength(text)

const dnsLabelMessage = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const dnsSubdomainMessage = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const dns1035LabelMessage = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
const wildcardMessage = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
const qualifiedNameMessage = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const labelValueMessage = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

export const tooLongMessage = (length: number, unit: 'characters' | 'bytes' = 'characters'): string => `must be no more than ${length} ${unit}`
export const rangeMessage = (low: number | string, high: number | string): string => `must be between ${low} and ${high}, inclusive`
const emptyMessage = 'must be non-empty'

export function patternMessage(message: string, pattern: string, ...examples: string[]): string {
  if (!examples.length) return `${message} (regex used for validation is '${pattern}')`
  return `${message} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${pattern}')`
}

interface Rule {
  pattern: string
  message: string
  examples: string[]
  longest?: number
  /** How upstream calls what it counts, which are bytes always. */
  unit?: 'characters' | 'bytes'
}

function rule({ pattern, message, examples, longest, unit }: Rule): (text: string) => string[] {
  const expression = whole(pattern)
  return (text) => {
    const errors: string[] = []
    if (longest !== undefined && text.length * 3 > longest && bytes(text) > longest) errors.push(tooLongMessage(longest, unit))
    if (!expression.test(text)) errors.push(patternMessage(message, pattern, ...examples))
    return errors
  }
}

export const isDnsSubdomain = rule({ pattern: dnsSubdomain, message: dnsSubdomainMessage, examples: ['example.com'], longest: 253 })
export const isDns1035Label = rule({ pattern: dns1035Label, message: dns1035LabelMessage, examples: ['my-name', 'abc-123'], longest: 63 })
export const isWildcardDnsSubdomain = rule({ pattern: wildcardSubdomain, message: wildcardMessage, examples: ['*.example.com'], longest: 253 })
export const isLabelValue = rule({ pattern: labelValue, message: labelValueMessage, examples: ['MyValue', 'my_value', '12345'], longest: 63, unit: 'bytes' })
export const isPercent = rule({ pattern: percent, message: "a valid percent string must be a numeric string followed by an ending '%'", examples: ['1%', '93%'] })
export const isHttpHeaderName = rule({ pattern: headerName, message: "a valid HTTP header must consist of alphanumeric characters or '-'", examples: ['X-Header-Name'] })

const plainDnsLabel = rule({ pattern: dnsLabel, message: dnsLabelMessage, examples: ['my-name', '123-abc'], longest: 63 })
const subdomainExpression = whole(dnsSubdomain)

export function isDnsLabel(text: string): string[] {
  const errors = plainDnsLabel(text)
  if (!errors.length || !text.includes('.') || !subdomainExpression.test(text)) return errors
  return errors.map((e) => (e.startsWith(dnsLabelMessage) ? 'must not contain dots' : e))
}

const labelPrefix = rule({ pattern: dnsSubdomain, message: dnsSubdomainMessage, examples: ['example.com'], longest: 253, unit: 'bytes' })
const namePart = rule({ pattern: qualifiedName, message: qualifiedNameMessage, examples: ['MyName', 'my.name', '123-abc'], longest: 63, unit: 'bytes' })

/** A label or annotation key: `name` or `prefix.dns/name`. */
export function isQualifiedName(text: string): string[] {
  const parts = text.split('/')
  const name = parts.length === 2 ? parts[1]! : text
  if (parts.length > 2) return [`a valid label key ${patternMessage(qualifiedNameMessage, qualifiedName, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const errors: string[] = []
  if (parts.length === 2) {
    if (parts[0] === '') errors.push(`prefix part ${emptyMessage}`)
    else errors.push(...labelPrefix(parts[0]!).map((e) => `prefix part ${e}`))
  }
  if (name === '') errors.push(`name part ${emptyMessage}`)
  return [...errors, ...namePart(name).map((e) => `name part ${e}`)]
}

/** `%`, `/`, `.` and `..` cannot stand in a URL path. */
export function isPathSegmentName(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`]
  return ['/', '%'].filter((c) => text.includes(c)).map((c) => `may not contain '${c}'`)
}

export const isPortNumber = (port: number): string[] => (port >= 1 && port <= 65535 ? [] : [rangeMessage(1, 65535)])
export const isUserId = (id: number | bigint): string[] => (id >= 0 && id <= 2147483647 ? [] : [rangeMessage(0, 2147483647)])

export function isPortName(text: string): string[] {
  const errors: string[] = []
  if (bytes(text) > 15) errors.push(tooLongMessage(15))
  if (!/^[-a-z0-9]+$/.test(text)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(text)) errors.push('must contain at least one letter (a-z)')
  if (text.includes('--')) errors.push('must not contain consecutive hyphens')
  if (text.startsWith('-') || text.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

function dotNames(text: string): string[] {
  if (text === '.' || text === '..') return [`must not be '${text}'`]
  return text.startsWith('..') ? ["must not start with '..'"] : []
}

const configKey = rule({
  pattern: configMapKey, examples: ['key.name', 'KEY_NAME', 'key-name'], longest: 253,
  message: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
})

export const isConfigMapKey = (text: string): string[] => [...configKey(text), ...dotNames(text)]

/** The rule in force since v1.34: anything printable in ASCII but `=`. */
export function isRelaxedEnvVarName(text: string): string[] {
  if (text === '') return [`environment variable name ${emptyMessage}`]
  return /^[\x20-\x3c\x3e-\x7e]*$/.test(text) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** `example.com/path`, as in finalizers of custom signers and ingress controllers. */
export function isDomainPrefixedPath(text: string): string[] {
  const slash = text.indexOf('/')
  if (slash <= 0 || slash === text.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")']
  const prefix = isDnsSubdomain(text.slice(0, slash))
  if (prefix.length) return prefix
  return whole(httpPath).test(text.slice(slash + 1)) ? [] : [patternMessage('Invalid path', httpPath)]
}
