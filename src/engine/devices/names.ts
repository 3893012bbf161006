/** A device's kind and its name among those of the kind: `vendor.com/class`, `name`. */
export interface DeviceName {
  readonly kind: string;
  /** Empty: any; `*`: all. */
  readonly name: string;
}

/** Takes what somebody asks for apart: `vendor.com/class=name`, `vendor.com/class`, or some other word, which is all kind. */
export function splitDeviceName(text: string): DeviceName {
  const at = text.indexOf("=");
  return at < 0 ? { kind: text, name: "" } : { kind: text.slice(0, at), name: text.slice(at + 1) };
}

/** Whether a kind is one of the specification's: a vendor and a class. */
export function isKind(kind: string): boolean {
  return /^[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(kind);
}

/** Whether a device may be called so. */
export function isDeviceName(name: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/.test(name);
}
