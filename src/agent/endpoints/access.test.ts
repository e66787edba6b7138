import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import { createReviewAccess, subresourcesOf } from './access.ts'

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

describe('access by review', () => {
  function reviewer(allowed: string[]) {
    const asked: string[] = []
    const clock = new FakeClock()
    const request = async (_method: string, path: string, body: { spec: { token?: string; resourceAttributes?: { verb: string; subresource: string; name: string } } }) => {
      const { token, resourceAttributes } = body.spec
      asked.push(path.split('/').at(-1)!)
      if (resourceAttributes) return { status: { allowed: allowed.includes(`${resourceAttributes.verb} ${resourceAttributes.subresource} ${resourceAttributes.name}`) } }
      return { status: token === 'good' ? { authenticated: true, user: { username: 'ann', groups: ['dev'] } } : { authenticated: false } }
    }
    return { asked, clock, access: createReviewAccess({ client: { request } as unknown as Client, nodeName: 'n1', clock }) }
  }

  it('knows certificates by themselves and tokens by asking, once in two minutes', async () => {
    const { access, asked, clock } = reviewer([])
    expect(await access.authenticate({ certificate: { commonName: 'system:apiserver', organizations: ['system:masters'] } })).toMatchObject({ name: 'system:apiserver' })
    expect(await access.authenticate({})).toBeUndefined()
    expect(asked).toEqual([])
    for (let i = 0; i < 2; i++) expect(await access.authenticate({ bearerToken: 'good' })).toMatchObject({ name: 'ann', groups: ['dev'] })
    expect(await access.authenticate({ bearerToken: 'bad' })).toBeUndefined()
    expect(asked).toEqual(['tokenreviews', 'tokenreviews'])
    clock.advance(121_000)
    await access.authenticate({ bearerToken: 'good' })
    expect(asked).toHaveLength(3)
  })

  it('asks for each subresource until one is allowed, and remembers a refusal for a shorter time', async () => {
    const { access, asked, clock } = reviewer(['get proxy n1'])
    const ask = (verb: string) => access.authorize({ user: { name: 'ann', groups: [] }, verb, path: '/pods', subresources: ['pods', 'proxy'] })
    expect([await ask('get'), await ask('get'), await ask('create')]).toEqual([true, true, false])
    expect(asked).toHaveLength(4)
    clock.advance(31_000)
    await ask('get')
    expect(asked).toHaveLength(5)
  })
})
