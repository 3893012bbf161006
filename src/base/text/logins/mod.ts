/** Logins in addresses, and how to leave them out of what people see. */
export { withoutLogin } from "./without-login.ts";
