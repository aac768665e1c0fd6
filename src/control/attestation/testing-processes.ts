/** Processes that ask the attestation socket: honest ones, of other users and programs, and one that hands its connection on. */
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const isRoot = process.getuid?.() === 0;
/** Beyond the users that systems make, below those that containers map. */
export const strangerUid = 61_234;
/** Writing a number here makes the next process have the one after it. */
export const lastPidFile = "/proc/sys/kernel/ns_last_pid";
const waitMs = 20_000;

export interface Asked {
  readonly ticket?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly expiresInSeconds?: number;
  readonly error?: { readonly reason: string; readonly message: string };
}

export interface AskingOptions {
  readonly as?: number;
  /** A copy of this program. */
  readonly program?: string;
  /** In mounts of its own this file lies where the program does. Needs root. */
  readonly mountedOver?: string;
  readonly then?: "speak" | "leave";
}

/** To its end; whatever comes is printed. */
const script = `
const [path, then] = process.argv.slice(-2);
const done = () => process.exit(0);
await Bun.connect({ unix: path, allowHalfOpen: true, socket: {
  open(socket) {
    if (then === "speak") socket.write("who am I?");
    if (then === "leave") socket.shutdown();
  },
  data: (_, bytes) => void process.stdout.write(bytes), end: done, close: done, error: done,
} });`;

export async function asking(path: string, options: AskingOptions = {}): Promise<Asked> {
  const { as, program = realpathSync(process.execPath), mountedOver, then = "wait" } = options;
  const id = String(as);
  const user = as === undefined ? [] : ["setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"];
  const mount = 'mount --bind "$1" "$2" && shift && exec "$@"';
  const mounts =
    mountedOver === undefined ? [] : ["unshare", "--mount", "sh", "-c", mount, "sh", mountedOver];
  const prefix = [...user, ...mounts];
  const child = Bun.spawn([...prefix, program, "-e", script, path, then], {
    cwd: "/",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"] },
  });
  const [text, problem] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if (text === "") throw new Error(`no answer; ${problem}`);
  return parseAnswer(text);
}

export function parseAnswer(text: string): Asked {
  const value: Asked = JSON.parse(text);
  return value;
}

/** Connects, forks, and ends; the child, with the same connection, waits for the answer and writes it to a file. */
const handerSource = `
int socket(int, int, int); int connect(int, const void *, unsigned); int fork(void); void _exit(int);
long read(int, void *, unsigned long); long write(int, const void *, unsigned long); int open(const char *, int, int);
int rename(const char *, const char *);
int run(const char *path, const char *part, const char *out) {
  struct { unsigned short family; char path[108]; } address = { 1 };
  for (int i = 0; path[i] && i < 107; i++) address.path[i] = path[i];
  int s = socket(1, 1, 0);
  if (s < 0 || connect(s, &address, sizeof address) != 0) _exit(1);
  if (fork() != 0) _exit(0);
  char answer[4096];
  long size = 0, got;
  while (size < 4096 && (got = read(s, answer + size, 4096 - size)) > 0) size += got;
  int file = open(part, 0101, 0600);
  write(file, answer, size);
  rename(part, out);
  _exit(0);
  return 0;
}`;

/** The script of such a process. */
export function connectionHander(directory: string): string {
  const [source, file] = [join(directory, "hander.c"), join(directory, "hander.ts")];
  writeFileSync(source, handerSource);
  writeFileSync(
    file,
    `import { cc, ptr } from "bun:ffi";
const { symbols } = cc({ source: ${JSON.stringify(source)}, symbols: { run: { args: ["ptr", "ptr", "ptr"], returns: "int" } } });
const [path, out] = process.argv.slice(-2).map((text) => Buffer.from(text + "\\0"));
const part = Buffer.from(process.argv.at(-1) + ".part\\0");
symbols.run(ptr(path), ptr(part), ptr(out));`,
  );
  return file;
}

interface Victim extends Disposable {
  readonly isAlive: boolean;
}

export const handOn = {
  /** Blocks this process until the one that connected has ended and was waited for. Returns its number. */
  leave(hander: string, path: string, out: string): number {
    const { pid, exitCode } = Bun.spawnSync([process.execPath, hander, path, out], {
      stdout: "ignore",
      stderr: "inherit",
    });
    if (exitCode !== 0) throw new Error(`the process that hands on ended with ${exitCode}`);
    return pid;
  },

  /** As `leave`, and another process has its number before anything else happens here. */
  leaveToNextWithNumber(hander: string, path: string, out: string, program: string): Victim {
    const pid = handOn.leave(hander, path, out);
    for (let i = 0; i < 200; i++) {
      writeFileSync(lastPidFile, String(pid - 1));
      const victim = Bun.spawn([program, "60"], { stdout: "ignore", stderr: "ignore" });
      if (victim.pid === pid) {
        return {
          get isAlive() {
            return victim.exitCode === null;
          },
          [Symbol.dispose]: () => victim.kill("SIGKILL"),
        };
      }
      victim.kill("SIGKILL");
    }
    throw new Error(`no process got the number ${pid} again`);
  },

  /** From this process. */
  ask(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const done = (): void => resolve(text);
      const data = (_: unknown, bytes: Uint8Array): void => {
        text += new TextDecoder().decode(bytes);
      };
      Bun.connect({
        unix: path,
        allowHalfOpen: true,
        socket: { data, end: (socket) => void socket.end(), close: done },
      }).catch(reject);
    });
  },
};

export async function untilAnswer(file: string): Promise<string> {
  const endMs = performance.now() + waitMs;
  while (!existsSync(file)) {
    if (performance.now() > endMs) throw new Error("no answer came");
    await Bun.sleep(5);
  }
  return readFileSync(file, "utf8");
}
