import { clusterroles } from '../../api/refs.ts'
import { defineController } from '../../controller/run.ts'
import { planAggregation } from './plan.ts'

export const clusterRoleAggregationController = defineController({
  name: 'clusterrole-aggregation-controller',
  watches: ({ informer }) => ({ roles: informer(clusterroles) }),
  // A change of any role may concern every role that aggregates.
  triggers: ({ roles }) => [{
    subscribe: (enqueue) => roles.onChange(() => {
      for (const role of roles.list()) if (role.aggregationRule) enqueue(role.metadata.name)
    }),
  }],
  observe(key, { roles }) {
    const role = roles.get(key)
    return role && { role, all: roles.list() }
  },
  plan: planAggregation,
  executors: {
    async setRules({ role, rules }, { client }) {
      await client.resource(clusterroles).update({ ...role, rules })
    },
  },
})
