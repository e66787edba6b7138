import { objectKey, splitKey } from '../../api/object.ts'
import { secrets, serviceaccounts } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import { changed, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import type { SignToken } from '../../pki/jwt.ts'
import { accountOf, belongsTo, planToken, tokenType } from './plan.ts'

/** @param options `ca`: PEM of the authority that pods trust the API server by */
export const createServiceAccountTokenController = (options: { ca: string; sign: SignToken }): Controller => defineController({
  name: 'service-account-token-controller',
  watches: ({ informer }) => ({ secrets: informer(secrets, { fieldSelector: `type=${tokenType}` }), accounts: informer(serviceaccounts) }),
  triggers: (world) => [
    changed(world.secrets, objectKey),
    changed(world.accounts, ({ metadata }) => world.secrets.list(metadata.namespace).filter((secret) => accountOf(secret) === metadata.name).map(objectKey)),
  ],
  observe(key, world) {
    const { namespace, name } = splitKey(key)
    const secret = world.secrets.get(name, namespace)
    return secret && { secret, account: world.accounts.get(accountOf(secret), namespace), ...options }
  },
  plan: planToken,
  executors: {
    async fill({ secret }, { client }) {
      await client.resource(secrets, secret.metadata.namespace).update(secret)
    },
    async delete({ secret }, { client }) {
      const { name, namespace, uid } = secret.metadata
      const account = await client.resource(serviceaccounts, namespace).get(accountOf(secret)).catch(ignoreNotFound)
      if (account && belongsTo(secret, account)) return
      await client.resource(secrets, namespace).delete(name, { preconditions: { uid } }).catch(ignoreNotFound)
    },
  },
})
