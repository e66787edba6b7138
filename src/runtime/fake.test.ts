import { FakeClock } from '../base/clock.ts'
import { runtimeContract } from './contract.ts'
import { FakeRuntime } from './fake.ts'

runtimeContract('fake', async () => {
  const runtime = new FakeRuntime({ clock: new FakeClock(), images: ['localhost/busybox:test'] })
  return { runtime, image: 'localhost/busybox:test', logDirectory: '/var/log/pods', real: false, close: () => runtime.close() }
})
