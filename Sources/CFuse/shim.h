#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <unistd.h>

/* Swift's Glibc module is built without _GNU_SOURCE, and so lacks these. */
ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);
ssize_t vmsplice(int pipe, const struct iovec *pieces, size_t count, unsigned int flags);
int pipe2(int ends[2], int flags);

/* Swift marks fork() unavailable, because a child of a process with threads may hold their locks for ever. The server
   forks before it has any thread. */
static inline pid_t vitrine_fork(void) { return fork(); }
