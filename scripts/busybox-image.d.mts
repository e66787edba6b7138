export function writeBusyboxImage(out: string, name: string): void
