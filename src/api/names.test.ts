import { expect, test } from 'vitest'
import { isDnsLabel, isDnsSubdomain, isLabelValue, isQualifiedName } from './names.ts'

test.each([
  [isDnsLabel, 'a-b', []],
  [isDnsLabel, 'a.b', ['must not contain dots']],
  [isDnsLabel, 'x'.repeat(64), ['must be no more than 63 characters']],
  [isDnsSubdomain, 'a.b-c.d', []],
  [isDnsSubdomain, 'A', ["a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"]],
  [isLabelValue, '', []],
  [isLabelValue, 'x'.repeat(64), ['must be no more than 63 bytes']],
  [isQualifiedName, `a/${'x'.repeat(64)}`, ['name part must be no more than 63 bytes']],
  [isQualifiedName, 'example.com/Name_1', []],
  [isQualifiedName, '/x', ['prefix part must be non-empty']],
  [isQualifiedName, '', ['name part must be non-empty', "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"]],
])('%o of %s', (check, text, expected) => expect(check(text)).toEqual(expected))
