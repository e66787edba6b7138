import { expect, test } from 'vitest'
import { labelSelectorOf, parseFieldSelector, parseLabelSelector } from './selector.ts'

const labels = { app: 'web', tier: 'front', size: '7', 'example.com/x': '' }

test.each([
  ['app=web', true], ['app==web,tier!=back', true], ['app in (web, db)', true], ['app notin (web)', false], ['missing notin (a)', true], ['!missing', true], ['!app', false],
  ['app', true], ['size>6', true], ['size<7', false], ['example.com/x=', true], ['example.com/x in ()', true], ['app in (,web)', true], ['', true], ['in=x', false], ['app>1', false],
])('%s matches: %s', (text, expected) => expect(parseLabelSelector(text).matches(labels)).toBe(expected))

test.each([
  ['a b', 'unable to parse requirement: found \'b\', expected: in, notin, =, ==, !=, gt, lt'],
  ['a===b', "unable to parse requirement: found '=', expected: identifier"],
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a in (b,=)', "unable to parse requirement: found '=', expected: ',', or identifier"],
  ['=', "found '=', expected: !, identifier, or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['a>5,b>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
])('%s is refused', (text, expected) => expect(() => parseLabelSelector(text)).toThrow(expected))

test('renders sorted by key', () => expect(parseLabelSelector('b in (y,x),!c,a==1').toString()).toBe('a==1,b in (x,y),!c'))

test('selectors of objects', () => {
  expect(labelSelectorOf(undefined).matches(labels)).toBe(false)
  expect(labelSelectorOf({}).matches(undefined)).toBe(true)
  expect(labelSelectorOf({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] }).matches(labels)).toBe(true)
  expect(labelSelectorOf({ matchLabels: { app: 'web' } }).toString()).toBe('app=web')
  expect(labelSelectorOf({ matchLabels: { toString: 'x' } }).matches({})).toBe(false)
})

test('field selectors', () => {
  const selector = parseFieldSelector('status.phase!=Running,spec.nodeName==a\\,b,metadata.name=')
  expect(selector.terms).toEqual([
    { field: 'status.phase', operator: '!=', value: 'Running' }, { field: 'spec.nodeName', operator: '=', value: 'a,b' }, { field: 'metadata.name', operator: '=', value: '' },
  ])
  expect(selector.matches((f) => (f === 'spec.nodeName' ? 'a,b' : ''))).toBe(true)
  expect(() => parseFieldSelector('a')).toThrow("invalid selector: 'a'; can't understand 'a'")
  expect(() => parseFieldSelector('a\\qb=\\q')).toThrow('invalid field selector: invalid escape sequence: \\q')
})
