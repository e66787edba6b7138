/** Why there is no back-up, or why one cannot be used. Its message is one line for the administrator. */
export class BackupError extends Error {
  override name = 'BackupError'
}
