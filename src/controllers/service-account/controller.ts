import { namespaces, serviceaccounts } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { planServiceAccounts, wantedAccounts } from './plan.ts'

export const serviceAccountController = defineController({
  name: 'service-account-controller',
  watches: ({ informer }) => ({ namespaces: informer(namespaces), accounts: informer(serviceaccounts) }),
  triggers: (world) => [
    changed(world.namespaces, (namespace) => namespace.metadata.name),
    changed(world.accounts, (account) => (wantedAccounts.includes(account.metadata.name) ? account.metadata.namespace : undefined)),
  ],
  observe(key, world) {
    const namespace = world.namespaces.get(key)
    return namespace && { namespace, present: wantedAccounts.filter((name) => world.accounts.get(name, key)) }
  },
  plan: planServiceAccounts,
  executors: {
    async create({ namespace, name }, { client }) {
      await client.resource(serviceaccounts, namespace).create({ metadata: { name, namespace } }).catch((error: unknown) => {
        if (isNamespaceTerminating(error) || (error instanceof StatusError && error.code === 409)) return
        throw error
      })
    },
  },
})
