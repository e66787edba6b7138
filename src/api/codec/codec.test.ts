import { expect, test } from 'vitest'
import { parseJson, parseOwnJson, stringify } from './json.ts'
import { parseYaml } from './yaml.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

test.each([
  ['{"a":', "unexpected end of JSON input ({\"a\":)"],
  ['{"a" 1}', "invalid character '1' after object key ({\"a\" 1})"],
  ['abc', "invalid character 'a' looking for beginning of value (616263)"],
  ['', 'unexpected end of JSON input (<empty>)'],
  ['{"apiVersion":"v1","kind":"Con"} t', "invalid character 't' after top-level value ({\"apiVersion\":\"v1\",\"kind\":\"Con ...)"],
  ['{"a":"b\tc"}', "invalid character '\\t' in string literal ({\"a\":\"b\tc\"})"],
  ['{"a":01}', "invalid character '1' after object key:value pair ({\"a\":01})"],
  ['{"a":"b",}', "invalid character '}' looking for beginning of object key string ({\"a\":\"b\",})"],
  ['{"a":nul}', "invalid character '}' in literal null (expecting 'l') ({\"a\":nul})"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal ({\"a\":1.})"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code ({\"a\":\"\\x\"})"],
])('malformed JSON %s', (text, expected) => {
  expect(refusal(() => parseJson(bytes(text), { mustBe: 'ConfigMap' }))).toBe(
    `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ${expected}`)
})

test('too deep', () => expect(refusal(() => parseJson(bytes('['.repeat(20000))))).toBe("invalid character '[' exceeded max depth"))

test('duplicate keys are reported with their path, the last wins', () => {
  expect(parseJson(bytes('{"metadata":{"name":"x","name":"y"},"l":[{"a":1,"a":{"b":1,"b":2}}]}'))).toEqual({
    value: { metadata: { name: 'y' }, l: [{ a: { b: 2 } }] },
    duplicates: ['duplicate field "metadata.name"', 'duplicate field "l[0].a"', 'duplicate field "l[0].a.b"'],
  })
})

test('integers beyond 2^53 survive', () => {
  const { value } = parseJson(bytes('{"a":9223372036854775807,"b":-12345678901234567890,"c":1.5,"d":1e3,"e":9007199254740991}'))
  expect(value).toEqual({ a: 9223372036854775807n, b: -12345678901234567890n, c: 1.5, d: 1000, e: 9007199254740991 })
  expect(stringify(value)).toBe('{"a":9223372036854775807,"b":-12345678901234567890,"c":1.5,"d":1000,"e":9007199254740991}')
})

test.each(['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"__proto__":{"a":2}}'])('%s is only data', (text) => {
  const { value } = parseJson(bytes(text))
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(Object.keys(value as object)).toEqual(['__proto__'])
  expect((value as { a?: number }).a).toBeUndefined()
})

test('keys with escapes are not taken for a key seen before', () => {
  const texts = ['{"shape":1,"\\\\":2}', '{"shape":1,"\\n":2}', '{"shape":1,"x\\\\":2}', '{"shape":1,"x\\u0041":2}']
  const keys = ['\\', '\n', 'x\\', 'xA']
  for (const read of [(b: Buffer) => parseJson(b).value, parseOwnJson]) expect(texts.map((text) => Object.keys(read(Buffer.from(text)) as object)[1])).toEqual(keys)
})

test('what is stored keeps its integers', () => expect(parseOwnJson(Buffer.from('{"a":9223372036854775807}'))).toEqual({ a: 9223372036854775807n }))

test.each([
  // what Go's encoding/json, and with it sigs.k8s.io/json, makes of them
  ['\xff', '\ufffd'], ['\xe2\x82', '\ufffd\ufffd'], ['\xe2\x82x', '\ufffd\ufffdx'], ['\xf0\x9f\x98', '\ufffd\ufffd\ufffd'], ['\xed\xa0\x80', '\ufffd\ufffd\ufffd'], ['\xc0\x80', '\ufffd\ufffd'],
  ['a\xe2\x28\xa1z', 'a\ufffd(\ufffdz'], ['\xf4\x90\x80\x80', '\ufffd\ufffd\ufffd\ufffd'], ['\xe2\x82\xac\x80', '€\ufffd'],
])('invalid UTF-8 in JSON: each byte that belongs to no character is replaced: %j', (text, expected) => {
  expect(parseJson(bytes(`{"a":"${text}"}`)).value).toEqual({ a: expected })
})

test('YAML as Go reads it', async () => {
  const text = 'a: yes\nb: 012\nc: 1.0\nd: 2001-01-01\ne: 22:30\nf: 9223372036854775807\n1: one\ng: ~\nh: &x {k: v}\ni: {<<: *x, j: "y"}\nk: |\n  text\n'
  expect((await parseYaml(bytes(text))).value).toEqual({
    a: true, b: 10, c: 1, d: '2001-01-01', e: '22:30', f: 9223372036854775807n, 1: 'one', g: null, h: { k: 'v' }, i: { k: 'v', j: 'y' }, k: 'text\n',
  })
})

test('YAML: duplicates, several documents, emptiness, mistakes', async () => {
  expect((await parseYaml(bytes('a: 1\nb:\n  x: 1\n  x: 2\n'))).duplicates).toEqual(['yaml: unmarshal errors:\n  line 4: key "x" already set in map'])
  expect((await parseYaml(bytes('a: 1\n---\nb: 2\n'))).value).toEqual({ a: 1 })
  expect((await parseYaml(bytes(''))).value).toEqual({})
  await expect(parseYaml(bytes('\xff'), { mustBe: 'Pod' })).rejects.toThrow('the object provided is unrecognized (must be of type Pod): yaml: invalid leading UTF-8 octet (ff)')
  await expect(parseYaml(bytes('a: *b'))).rejects.toThrow("yaml: unknown anchor 'b' referenced")
  await expect(parseYaml(bytes('a: b: c'))).rejects.toThrow('mapping values are not allowed in this context')
})
