const short: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }
const order = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']

/** `RWO,RWX`: each once, in upstream's order. */
export const accessModesText = (modes: readonly string[] | undefined): string => order.filter((m) => modes?.includes(m)).map((m) => short[m]).join(',')
