/**
 * The tar format, pure over bytes: {@link TarParser} and {@link readTar} read every dialect that layers come in, {@link encodeEntry} and
 * {@link writeTar} write one deterministic dialect. Also what layers add to it (whiteouts) and what they are wrapped in (gzip, zstd framing).
 */
export { archiveStartBytes, startsLikeArchive } from "./archive-start.ts";
export { readTar, type TarEvent, type TarMember, writeTar } from "./archive.ts";
export { blockSize, paddingOf, type TarEntry, type TarEntryType, TarError } from "./entry.ts";
export { detectFraming, type Framing, framingPrefixBytes, gzipHeader, gzipTrailer } from "./framing.ts";
export { TarParser, type TarHandler } from "./parser.ts";
export { pathForSystem, pathFromBytes, pathToBytes } from "./path-text.ts";
export { opaqueMarker, parseWhiteout, whiteoutPrefix, type WhiteoutName } from "./whiteout.ts";
export { encodeEntry, endOfArchive } from "./writer.ts";
