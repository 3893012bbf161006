import assert from "node:assert/strict";
import { once } from "node:events";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  getxattrs,
  isSystemError,
  lgetxattr,
  llistxattr,
  lremovexattr,
  lsetxattr,
  lutimes,
  mknod,
  openInRoot,
  peerCredentials,
  receiveDescriptor,
  renameExchange,
  selfTest,
  tryLock,
} from "./mod.ts";

const dir = mkdtempSync(join(tmpdir(), "sys-"));
after(() => rmSync(dir, { recursive: true }));
const root = process.getuid?.() === 0;

test("selfTest() is content with the Node that runs the tests", () => selfTest());

test("errors look like Node's own", () => {
  const missing = join(dir, "missing");
  assert.throws(() => lgetxattr(missing, "user.x"), {
    code: "ENOENT",
    errno: -2,
    syscall: "lgetxattr",
    path: missing,
    message: `ENOENT: no such file or directory, lgetxattr '${missing}'`,
  });
  assert.throws(() => llistxattr("/tmp\0/x"), TypeError);
});

test("extended attributes keep every byte and are not read through links", { skip: !root }, () => {
  const file = join(dir, "file");
  writeFileSync(file, "");
  assert.equal(getxattrs(file), undefined);
  const value = Uint8Array.from({ length: 256 }, (_, i) => i);
  lsetxattr(file, "user.binary", value);
  lsetxattr(file, "trusted.empty", new Uint8Array());
  assert.deepEqual(getxattrs(file), { "trusted.empty": new Uint8Array(), "user.binary": value });
  symlinkSync("file", join(dir, "link"));
  assert.deepEqual(llistxattr(join(dir, "link")), []);
  lremovexattr(file, "user.binary");
  assert.throws(() => lgetxattr(file, "user.binary"), { code: "ENODATA" });
});

test("paths may be bytes that are no UTF-8", { skip: !root }, () => {
  const name = Buffer.concat([Buffer.from(`${dir}/`), Buffer.of(0xff, 0xfe)]);
  writeFileSync(name, "");
  lsetxattr(name, "user.x", Buffer.from("y"));
  assert.deepEqual(getxattrs(name), { "user.x": new Uint8Array(Buffer.from("y")) });
});

test("lutimes() is exact to the nanosecond, before 1970 as well, and does not follow links", () => {
  const link = join(dir, "dangling");
  symlinkSync("nowhere", link);
  for (const [sec, nsec] of [
    [1_700_000_000n, 123_456_789n],
    [-5n, 7n],
  ] as const) {
    lutimes(link, { sec, nsec });
    assert.equal(lstatSync(link, { bigint: true }).mtimeNs, sec * 1_000_000_000n + nsec);
  }
});

test("mknod() makes devices with large numbers, whiteouts and fifos", { skip: !root }, () => {
  mknod(join(dir, "whiteout"), 0o020000, 0, 0);
  assert.equal(lstatSync(join(dir, "whiteout")).rdev, 0);
  mknod(join(dir, "disk"), 0o060640, 259, 70_000);
  const { rdev, mode } = lstatSync(join(dir, "disk"));
  assert.equal(mode, 0o060640);
  const shown = spawnSync("stat", ["-c", "%t %T", join(dir, "disk")], { encoding: "utf8" }).stdout.trim();
  assert.equal(shown, `${(259).toString(16)} ${(70_000).toString(16)}`, `rdev ${rdev}`);
  mknod(join(dir, "fifo"), 0o010600);
  assert.ok(lstatSync(join(dir, "fifo")).isFIFO());
});

test("renameExchange() swaps two files", () => {
  writeFileSync(join(dir, "a"), "A");
  writeFileSync(join(dir, "b"), "B");
  renameExchange(join(dir, "a"), join(dir, "b"));
  assert.equal(readFileSync(join(dir, "a"), "utf8") + readFileSync(join(dir, "b"), "utf8"), "BA");
});

test("openInRoot() resolves links, `..` and absolute paths inside the root", () => {
  const tree = join(dir, "tree");
  mkdirSync(join(tree, "etc"), { recursive: true });
  writeFileSync(join(tree, "etc/passwd"), "inside");
  symlinkSync("/etc/passwd", join(tree, "absolute"));
  symlinkSync("../../../../etc/passwd", join(tree, "up"));
  const fd = openSync(tree, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const path of ["etc/passwd", "/etc/passwd", "absolute", "up", "../../etc/passwd"]) {
    const file = openInRoot(fd, path, constants.O_RDONLY);
    assert.equal(readFileSync(file, "utf8"), "inside", path);
    closeSync(file);
  }
  assert.throws(() => openInRoot(fd, "none", constants.O_RDONLY), { code: "ENOENT", syscall: "openat2" });
  closeSync(fd);
});

test("tryLock() is refused while another descriptor holds the lock", () => {
  const first = openSync(join(dir, "lock"), "w");
  const second = openSync(join(dir, "lock"), "w");
  assert.equal(tryLock(first), true);
  assert.equal(tryLock(second), false);
  closeSync(first);
  assert.equal(tryLock(second), true);
  closeSync(second);
});

test("peerCredentials() names the process at the other end of a unix socket", async () => {
  const server = createServer().listen(join(dir, "socket"));
  await once(server, "listening");
  const client = connect(join(dir, "socket"));
  const [accepted] = (await once(server, "connection")) as [Socket];
  assert.deepEqual(peerCredentials(accepted), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  client.destroy();
  accepted.destroy();
  server.close();
  await once(server, "close");
  assert.throws(() => peerCredentials(accepted), { code: "EBADF" });
});

test("receiveDescriptor() waits for nothing, and minds messages that bring none", async () => {
  const server = createServer({ pauseOnConnect: true }).listen(join(dir, "descriptors"));
  await once(server, "listening");
  const client = connect(join(dir, "descriptors"));
  const [accepted] = (await once(server, "connection")) as [Socket];
  assert.equal(receiveDescriptor(accepted), undefined);
  await new Promise<void>((sent) => client.write("no descriptor", () => sent()));
  assert.throws(() => receiveDescriptor(accepted), /came without a descriptor/);
  client.destroy();
  await once(client, "close");
  assert.throws(() => receiveDescriptor(accepted), /has closed/);
  accepted.destroy();
  server.close();
});

test("worker threads have an errno of their own", async () => {
  const mod = new URL("./mod.ts", import.meta.url).href;
  const source = `
    import { parentPort } from "node:worker_threads";
    import { lgetxattr } from ${JSON.stringify(mod)};
    const codes = new Set();
    for (let i = 0; i < 2000; i++) try { lgetxattr("/proc/self/missing", "user.x"); } catch (error) { codes.add(error.code); }
    parentPort.postMessage([...codes]);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const seen = new Set<string>();
  const answer = once(worker, "message");
  for (let i = 0; i < 2000; i++) {
    try {
      lgetxattr("/proc/self/status", "user.x");
    } catch (error) {
      if (isSystemError(error)) seen.add(error.code);
    }
  }
  assert.deepEqual((await answer)[0], ["ENOENT"]);
  assert.equal(seen.size, 1);
  assert.ok(!seen.has("ENOENT"));
});

const inNamespace = { skip: root ? false : "needs root" };

/** Runs `script` (a module's text) in a mount namespace of its own, so that the machine sees none of its mounts. */
function unshared(script: string): string {
  const mod = new URL("./mod.ts", import.meta.url).pathname;
  const args = [
    "--mount",
    "--propagation",
    "private",
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "-e",
  ];
  const text = `import * as sys from ${JSON.stringify(mod)}; import * as fs from "node:fs"; import { join } from "node:path"; const dir = ${JSON.stringify(dir)};\n${script}`;
  const result = spawnSync("unshare", [...args, text], { encoding: "utf8" });
  assert.equal(result.stderr, "");
  return result.stdout.trim();
}

test("mountOverlay() stacks many long paths, writes above, and leaves no mount outside", inNamespace, () => {
  const out = unshared(`
    const base = join(dir, "overlay", "x".repeat(80));
    const lower = Array.from({ length: 120 }, (_, i) => join(base, "lower" + i));
    for (const d of [...lower, join(base, "upper"), join(base, "work"), join(base, "merged")]) fs.mkdirSync(d, { recursive: true });
    fs.writeFileSync(join(lower[0], "same"), "top"); fs.writeFileSync(join(lower[119], "same"), "bottom"); fs.writeFileSync(join(lower[119], "deep"), "deep");
    const target = join(base, "merged");
    sys.mountOverlay({ lower, upper: join(base, "upper"), work: join(base, "work"), target, volatile: true });
    fs.writeFileSync(join(target, "new"), ""); fs.rmSync(join(target, "deep"));
    console.log(fs.readFileSync(join(target, "same"), "utf8"), fs.readdirSync(join(base, "upper")).join());
    sys.unmount(target);
    sys.mountOverlay({ lower: [lower[119]], target });
    console.log(fs.readFileSync(join(target, "same"), "utf8"));
    try { fs.writeFileSync(join(target, "x"), ""); } catch (error) { console.log(error.code); }
    console.log(sys.unmountIfMounted(target), sys.unmountIfMounted(target));`);
  assert.equal(out, "top deep,new\nbottom\nEROFS\ntrue false");
  assert.deepEqual(readdirSync(join(dir, "overlay", "x".repeat(80), "merged")), []);
});

test("older kernels get the same overlay from one string of options", inNamespace, () => {
  const out = unshared(`
    const { mountInOneString } = await import(${JSON.stringify(new URL("./overlay.ts", import.meta.url).pathname)});
    const base = join(dir, "old", "x".repeat(80));
    const lower = Array.from({ length: 120 }, (_, i) => join(base, "lower" + i));
    const target = join(base, "merged");
    for (const d of [...lower, join(base, "upper"), join(base, "work"), target]) fs.mkdirSync(d, { recursive: true });
    fs.writeFileSync(join(lower[0], "same"), "top"); fs.writeFileSync(join(lower[119], "same"), "bottom");
    mountInOneString({ lower, upper: join(base, "upper"), work: join(base, "work"), target });
    fs.writeFileSync(join(target, "new"), "");
    console.log(fs.readFileSync(join(target, "same"), "utf8"), fs.readdirSync(join(base, "upper")).join());`);
  assert.equal(out, "top new");
});

test("mountOverlay() names the directory that is missing", inNamespace, () => {
  const out = unshared(`
    const lower = [join(dir, "bind"), join(dir, "missing")]; fs.mkdirSync(lower[0]);
    try { sys.mountOverlay({ lower, target: dir }); } catch (error) { console.log(error.code, error.path); }`);
  assert.equal(out, `ENOENT ${join(dir, "missing")}`);
});

test("bindMount() and mountTmpfs() mount what they say", inNamespace, () => {
  const out = unshared(`
    const [a, b] = ["bind-a", "bind-b"].map((name) => { fs.mkdirSync(join(dir, name)); return join(dir, name); });
    sys.mountTmpfs(a, { sizeBytes: 1 << 20, mode: 0o710 });
    console.log(fs.statfsSync(a).blocks * fs.statfsSync(a).bsize, (fs.statSync(a).mode & 0o7777).toString(8));
    fs.writeFileSync(join(a, "file"), "seen");
    sys.bindMount(a, b, { readonly: true });
    console.log(fs.readFileSync(join(b, "file"), "utf8"));
    try { fs.writeFileSync(join(b, "file"), "x"); } catch (error) { console.log(error.code); }
    fs.writeFileSync(join(a, "file"), "still writable here");
    sys.unmount(b); sys.unmount(a); console.log(fs.readdirSync(a).length);`);
  assert.equal(out, "1048576 710\nseen\nEROFS\n0");
  assert.equal(existsSync(join(dir, "bind-a/file")), false);
});
