#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <signal.h>
#include <unistd.h>

/* Swift's Glibc module is built without _GNU_SOURCE, and so lacks these. */
ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);
ssize_t vmsplice(int pipe, const struct iovec *pieces, size_t count, unsigned int flags);
int pipe2(int ends[2], int flags);

/* Swift marks fork() unavailable, because a child of a process with threads may hold their locks for ever. The server
   forks before it has any thread, and works in one that begins after. */
static inline pid_t vitrine_fork(void) { return fork(); }

/* What a private mount namespace takes, and signals as events; see unshare(2), signalfd(2), prctl(2), getxattr(2). */
#include <sys/prctl.h>
#include <sys/types.h>
int unshare(int flags);
int signalfd(int descriptor, const sigset_t *signals, int flags);
ssize_t getxattr(const char *path, const char *name, void *value, size_t size);
int setxattr(const char *path, const char *name, const void *value, size_t size, int flags);
static inline int vitrine_end_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }
static inline int vitrine_has_no_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

/* Whether this process was started with the signal ignored, as nohup(1) does it; Swift cannot compare handlers. */
static inline int vitrine_is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Has a signal interrupt what a thread waits for, and do nothing else. */
static inline void vitrine_nothing(int signal) { (void)signal; }
static inline int vitrine_make_interrupting(int signal) {
  struct sigaction action = {.sa_handler = vitrine_nothing};
  return sigaction(signal, &action, NULL);
}
