// A restoration that power or a signal broke off after the point of no return is finished by the next mk8s that uses the data directory.
import { finishSwap, isSwapCommitted } from '../backup/swap.ts'
import { asOwner } from './data-directory.ts'
import { pathsOf } from './paths.ts'

/** @throws an error of one line when somebody else is at it */
export async function finishRestoration(dataDirectory: string): Promise<void> {
  const paths = pathsOf(dataDirectory)
  if (isSwapCommitted(paths.data)) await asOwner(paths, async () => finishSwap(paths.data))
}
