// What `pod-resources.ts` has exactly, as plain numbers for agent and scheduler: CPU in thousandths of a core, everything else in whole units (bytes).
import type { PodSpec } from './generated/types.ts'
import { podTotal, type Part } from './pod-resources.ts'
import { parseQuantity, type Quantity } from './quantity.ts'

export type ResourceList = Readonly<Record<string, string>>
/** By resource name. */
export type Amounts = Readonly<Record<string, number>>

const asNumber = (name: string, quantity: Quantity): number => (name === 'cpu' ? quantity.milliValue() : quantity.value())

export const amount = (name: string, text: string | undefined): number => (text === undefined ? 0 : asNumber(name, parseQuantity(text)))

export const amountsOf = (list: ResourceList | undefined): Amounts => Object.fromEntries(Object.entries(list ?? {}).map(([name, text]) => [name, amount(name, text)]))

/** What the whole pod asks for, overhead included. */
export const podAmounts = ({ spec }: { spec: PodSpec }, part: Part): Amounts =>
  Object.fromEntries([...podTotal({ spec }, part)].map(([name, quantity]) => [name, asNumber(name, quantity)]))
