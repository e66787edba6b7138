import { describe, expect, it } from 'vitest'
import { subresourcesOf } from './access.ts'

describe('subresources', () => {
  it.each([
    ['/pods', ['pods', 'proxy']],
    ['/runningpods/', ['pods', 'proxy']],
    ['/metrics/resource', ['metrics']],
    ['/stats/summary', ['stats']],
    ['/logs/syslog', ['log']],
    ['/healthz/ping', ['healthz', 'proxy']],
    ['/configz', ['configz', 'proxy']],
    ['/exec/ns/pod/container', ['proxy']],
    ['/metricsandmore', ['proxy']],
  ])('%s asks for %j', (path, expected) => expect(subresourcesOf(path)).toEqual(expected))
})
