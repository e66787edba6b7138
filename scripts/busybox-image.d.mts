export function writeBusyboxImage(out: string, name: string, options?: { filler?: number }): void
