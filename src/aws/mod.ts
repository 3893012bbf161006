/** What a machine says of who its user is at Amazon Web Services: variables and profiles, as the tools of AWS read them. */
export { type AwsCredentials, environmentCredentials } from "./credentials.ts";
export { findAwsCredentials } from "./find-credentials.ts";
