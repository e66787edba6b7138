import { FakeClock } from '../base/clock.ts'
import { storageContract } from './contract.ts'
import { MemoryStorage } from './memory.ts'

storageContract('MemoryStorage', async () => {
  const clock = new FakeClock()
  return { storage: new MemoryStorage({ clock }), clock, cleanUp: async () => {} }
})
