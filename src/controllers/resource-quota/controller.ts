import { objectKey, splitKey } from '../../api/object.ts'
import { trackedNames } from '../../api/quota.ts'
import { resourcequotas } from '../../api/refs.ts'
import { compared } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { canonical } from '../common/hash.ts'
import { statusExecutor } from '../common/status.ts'
import { createCountedKinds } from './counted-kinds.ts'
import { planQuota } from './plan.ts'

export const resourceQuotaController = defineController({
  name: 'resourcequota-controller',
  watches: (informers) => ({ quotas: informers.informer(resourcequotas), kinds: createCountedKinds(informers) }),
  triggers: ({ quotas, kinds }) => [
    // what is used is admission's to write, too, and no reason to sum up
    compared(quotas, (before, now) => {
      const isNew = canonical(before?.spec) !== canonical(now?.spec) || canonical(now?.spec?.hard) !== canonical(now?.status?.hard)
      return now && isNew ? [objectKey(now)] : []
    }),
    {
      subscribe(enqueue) {
        kinds.onChange((kind, { metadata }) => {
          for (const quota of quotas.list(metadata.namespace)) if (trackedNames(kind, Object.keys(quota.spec?.hard ?? {})).length) enqueue(objectKey(quota))
        })
        return () => {}
      },
    },
  ],
  async observe(key, { quotas, kinds }, { signal }) {
    const { namespace, name } = splitKey(key)
    const quota = quotas.get(name, namespace)
    if (!quota) return undefined
    const views = await kinds.forNames(Object.keys(quota.spec?.hard ?? {}), signal)
    return { quota, objects: new Map([...views].map(([kind, view]) => [kind, view.list(namespace)])) }
  },
  plan: planQuota,
  executors: statusExecutor,
})
