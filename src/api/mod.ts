/**
 * The wire's messages and services, generated from proto/ (`npm run gen:api`); nothing here is written by hand.
 *
 * One namespace per protobuf file: `import { control, pb } from "../api/mod.ts"`, then `control.Control` is a service,
 * `control.SolveRequest` a type and `control.SolveRequestSchema` what `create`, `toBinary` and `fromBinary` of
 * `base/protobuf` want. 64-bit integers are bigints; unknown fields and enum numbers are kept.
 */
// Control API and what it carries.
export * as control from "./gen/buildkit/control_pb.ts";
export * as worker from "./gen/buildkit/worker_pb.ts";
export * as pb from "./gen/buildkit/llb_pb.ts";
export * as gateway from "./gen/buildkit/gateway_pb.ts";
export * as apicaps from "./gen/buildkit/apicaps_pb.ts";
export * as sourcepolicy from "./gen/buildkit/sourcepolicy_pb.ts";
export * as policysession from "./gen/buildkit/policysession_pb.ts";
// Errors: the status that ends a call, and the details that ride on it.
export * as status from "./gen/google/rpc/status_pb.ts";
export * as errdefs from "./gen/buildkit/errdefs_pb.ts";
export * as stack from "./gen/buildkit/stack_pb.ts";
// What a client serves on its session.
export * as auth from "./gen/session/auth_pb.ts";
export * as filesync from "./gen/session/filesync_pb.ts";
export * as fsutil from "./gen/fsutil/fsutil_pb.ts";
export * as secrets from "./gen/session/secrets_pb.ts";
export * as ssh from "./gen/session/sshforward_pb.ts";
export * as upload from "./gen/session/upload_pb.ts";
export * as exporter from "./gen/session/exporter_pb.ts";
export * as localFiles from "./gen/polyarch/local-files_pb.ts";
export * as content from "./gen/containerd/content_pb.ts";
// What every server has.
export * as health from "./gen/grpc/health_pb.ts";
export * as reflection from "./gen/grpc/reflection_pb.ts";
export * as reflectionV1Alpha from "./gen/grpc/reflection-v1alpha_pb.ts";
export * as described from "./gen/files.ts";
// Traces.
export * as traceService from "./gen/opentelemetry/trace-service_pb.ts";
export * as trace from "./gen/opentelemetry/trace_pb.ts";
export * as traceResource from "./gen/opentelemetry/resource_pb.ts";
export * as traceCommon from "./gen/opentelemetry/common_pb.ts";
// Profiles.
export * as profile from "./gen/perftools/profile_pb.ts";
