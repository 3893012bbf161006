/** Is told what lies on the disk across builds, and when it is in use: nothing is removed meanwhile. */
export interface DiskUse {
  /**
   * `path` is, or is about to be, used. From the moment that this returns it stays.
   * @param description what people see it as
   * @returns to be disposed of when the use has ended
   */
  begin(path: string, description: string): Disposable;
}
