/*
 * What JavaScript cannot do for itself: enter a user namespace (only a process with one thread may, and Bun has many)
 * and see errno before the engine's own system calls change it. Compiled at run time by bun:ffi's `cc`, without any
 * header, so that no compiler and no libc development files need be installed. Every function gives a result of
 * zero or more, or errno with its sign turned.
 */
typedef unsigned long u64;

extern int *__errno_location(void);
extern long syscall(long, ...);
extern int fork(void);
extern void _exit(int);
extern int execve(const char *, void *, void *);
extern int setns(int, int);
extern int unshare(int);
extern int open(const char *, int, ...);
extern int close(int);
extern int pipe2(int *, int);
extern int fcntl(int, int, ...);
extern int dup2(int, int);
extern long read(int, void *, u64);
extern long write(int, const void *, u64);
extern int mount(const char *, const char *, const char *, u64, const void *);
extern int prctl(int, ...);
extern int setsid(void);
extern int chdir(const char *);
extern int getpid(void);
extern int getppid(void);
extern int kill(int, int);
extern int waitpid(int, int *, int);
extern int flock(int, int);
extern int sigaction(int, const void *, void *);
extern int sigprocmask(int, const void *, void *);
extern void *signal(int, void *);
extern int socket(int, int, int);
extern int bind(int, const void *, unsigned);
extern int setsockopt(int, int, int, const void *, unsigned);
extern int getsockopt(int, int, int, void *, unsigned *);
extern long send(int, const void *, u64, int);
extern long recv(int, void *, u64, int);

#define RESULT(call) \
  long result = (call); \
  return result < 0 ? -*__errno_location() : (int)result

#define O_CLOEXEC 02000000
#define F_SETFD 2
#define F_DUPFD_CLOEXEC 1030
#define EINTR 4
#define EINVAL 22
#define WNOHANG 1

int weft_unshare(int flags) { RESULT(unshare(flags)); }
int weft_setns(int fd, int kind) { RESULT(setns(fd, kind)); }
int weft_open(const char *path, int flags) { RESULT(open(path, flags | O_CLOEXEC, 0600)); }
int weft_close(int fd) { RESULT(close(fd)); }
int weft_pipe(int *ends) { RESULT(pipe2(ends, O_CLOEXEC)); }
/* Zero and less mean groups and everybody: nothing here ever wants that, and a defect must not do it. */
int weft_kill(int pid, int number) {
  if (pid <= 1) return -EINVAL;
  RESULT(kill(pid, number));
}
int weft_flock(int fd, int operation) { RESULT(flock(fd, operation)); }
int weft_socket(int domain, int type, int protocol) { RESULT(socket(domain, type, protocol)); }
int weft_bind(int fd, const void *address, unsigned length) { RESULT(bind(fd, address, length)); }
int weft_send(int fd, const void *bytes, u64 length) { RESULT(send(fd, bytes, length, 0)); }
int weft_recv(int fd, void *bytes, u64 length, int flags) { RESULT(recv(fd, bytes, length, flags)); }
int weft_setsockopt(int fd, int level, int name, const void *value, unsigned length) {
  RESULT(setsockopt(fd, level, name, value, length));
}
int weft_getsockopt(int fd, int level, int name, void *value, unsigned *length) {
  RESULT(getsockopt(fd, level, name, value, length));
}

/* 0: still running. Otherwise the pid, and *status as wait(2) has it. */
int weft_wait(int pid, int *status, int block) {
  if (pid <= 0) return -EINVAL;
  long result;
  do result = waitpid(pid, status, block ? 0 : WNOHANG);
  while (result < 0 && *__errno_location() == EINTR);
  return result < 0 ? -*__errno_location() : (int)result;
}

/* One thing that the child does on its way to the program; the numbers are those of `launch-steps.ts`. */
struct step {
  u64 op;
  u64 a;
  u64 b;
  u64 first;  /* address of a string or an array */
  u64 second;
  u64 ignore; /* an errno that is no failure, or 0 */
};

static int write_file(const char *path, const char *text, u64 length) {
  int fd = open(path, 1 | O_CLOEXEC);
  if (fd < 0) return -1;
  long written = write(fd, text, length);
  int error = *__errno_location();
  close(fd);
  *__errno_location() = error;
  return written == (long)length ? 0 : -1;
}

/* Capabilities that are inheritable survive an exec in spite of the bounding set: none may stay. */
static int clear_inheritable(void) {
  unsigned header[2] = {0x20080522, 0};
  unsigned sets[6];
#ifdef __aarch64__
  long capget = 90, capset = 91;
#else
  long capget = 125, capset = 126;
#endif
  if (syscall(capget, header, sets) < 0) return -1;
  sets[2] = 0;
  sets[5] = 0;
  return (int)syscall(capset, header, sets);
}

static int pass_no_other(int first) {
  /* close_range(first, all, CLOSE_RANGE_CLOEXEC): the same number everywhere, since Linux 5.11. */
  if (syscall(436, (long)first, 0xffffffffL, 4L) == 0) return 0;
  for (int fd = first; fd < 4096; fd++) fcntl(fd, F_SETFD, 1);
  return 0;
}

static long run_step(const struct step *step) {
  const char *first = (const char *)step->first;
  const char *second = (const char *)step->second;
  switch (step->op) {
    case 1: return setns((int)step->a, (int)step->b);
    case 2: return unshare((int)step->a);
    case 3: return write_file(first, second, step->a);
    case 4: return mount("none", "/", 0, step->a, 0);
    case 5: return mount(first, second, 0, step->a, 0);
    case 6: return prctl(24 /* PR_CAPBSET_DROP */, step->a, 0UL, 0UL, 0UL);
    case 7: return clear_inheritable();
    case 8: return setsid();
    case 9: return chdir(first);
    case 10: return dup2((int)step->a, (int)step->b);
    case 11: return pass_no_other((int)step->a);
    case 12:
      if (prctl(1 /* PR_SET_PDEATHSIG */, step->a, 0UL, 0UL, 0UL) < 0) return -1;
      /* The parent may have died before the request: then nothing would ever be sent. */
      if ((u64)getppid() != step->b) _exit(127);
      return 0;
    case 13: return execve(first, (void *)step->second, (void *)step->a);
    case 14: _exit(0);
  }
  *__errno_location() = EINVAL;
  return -1;
}

/*
 * Forks, runs the steps in the child (the last one is exec or exit) and gives the child's pid once it got there.
 * When a step fails the child is reaped, *failed is the step's index and the result its errno, negative.
 * The steps may overwrite descriptors below `reserved`; the report of a failure goes over one above.
 */
int weft_launch(const struct step *steps, int count, int reserved, int *failed) {
  u64 all[16], before[16];
  u64 action[32];
  int ends[2];
  int report[2] = {-1, 0};
  for (int i = 0; i < 16; i++) all[i] = ~0UL;
  *failed = -1;
  if (pipe2(ends, O_CLOEXEC) < 0) return -*__errno_location();
  int high = fcntl(ends[1], F_DUPFD_CLOEXEC, reserved);
  close(ends[1]);
  if (high < 0) {
    int error = *__errno_location();
    close(ends[0]);
    return -error;
  }
  /* A signal between fork and exec would run the engine's handler in the child, on descriptors that are the parent's. */
  sigprocmask(2, all, before);
  int pid = fork();
  if (pid == 0) {
    for (int i = 1; i <= 64; i++) {
      if (sigaction(i, 0, action) < 0) continue;
      if (action[0] != 1 || i == 13 || i == 25 /* SIGPIPE, SIGXFSZ: the engine ignores them, programs rely on them */) signal(i, 0);
    }
    u64 none[16];
    for (int i = 0; i < 16; i++) none[i] = 0;
    sigprocmask(2, none, 0);
    for (int i = 0; i < count; i++) {
      if (run_step(&steps[i]) >= 0) continue;
      report[1] = *__errno_location();
      if (steps[i].ignore != 0 && (u64)report[1] == steps[i].ignore) continue;
      report[0] = i;
      write(high, report, sizeof report);
      _exit(127);
    }
    _exit(127);
  }
  int error = *__errno_location();
  sigprocmask(2, before, 0);
  close(high);
  if (pid < 0) {
    close(ends[0]);
    return -error;
  }
  long got;
  do got = read(ends[0], report, sizeof report);
  while (got < 0 && *__errno_location() == EINTR);
  close(ends[0]);
  if (got != sizeof report) return pid;
  weft_wait(pid, &error, 1);
  *failed = report[0];
  return -report[1];
}
