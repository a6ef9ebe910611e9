#define _GNU_SOURCE
#include "CTestSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct test_time time_of(struct statx_timestamp time) {
  return (struct test_time){.seconds = time.tv_sec, .nanoseconds = time.tv_nsec};
}

int test_status(const char *path, struct test_status *out) {
  struct statx status;
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return -errno;
  *out = (struct test_status){
      .mode = status.stx_mode,
      .links = status.stx_nlink,
      .owner = status.stx_uid,
      .group = status.stx_gid,
      .device_major = status.stx_rdev_major,
      .device_minor = status.stx_rdev_minor,
      .inode = status.stx_ino,
      .size = status.stx_size,
      .blocks = status.stx_blocks,
      .accessed = time_of(status.stx_atime),
      .modified = time_of(status.stx_mtime),
      .changed = time_of(status.stx_ctime),
      .created = time_of(status.stx_btime),
      .has_created = (status.stx_mask & STATX_BTIME) != 0,
  };
  return 0;
}

int64_t test_list_attributes(const char *path, char *buffer, size_t size) {
  ssize_t result = llistxattr(path, buffer, size);
  return result < 0 ? -errno : result;
}

int64_t test_get_attribute(const char *path, const char *name, void *buffer, size_t size) {
  ssize_t result = lgetxattr(path, name, buffer, size);
  return result < 0 ? -errno : result;
}

int64_t test_set_attribute(const char *path, const char *name, const void *value, size_t size) {
  return lsetxattr(path, name, value, size, 0) < 0 ? -errno : 0;
}

int64_t test_allocate(int descriptor, int mode, int64_t offset, int64_t length) {
  return fallocate(descriptor, mode, offset, length) < 0 ? -errno : 0;
}

int64_t test_seek_data(int descriptor, int64_t offset) {
  off_t result = lseek(descriptor, offset, SEEK_DATA);
  return result < 0 ? -errno : result;
}

int64_t test_seek_hole(int descriptor, int64_t offset) {
  off_t result = lseek(descriptor, offset, SEEK_HOLE);
  return result < 0 ? -errno : result;
}

struct test_sha256 {
  EVP_MD_CTX *context;
};

struct test_sha256 *test_sha256_begin(void) {
  struct test_sha256 *state = malloc(sizeof *state);
  if (!state || !(state->context = EVP_MD_CTX_new())) abort();
  if (EVP_DigestInit_ex(state->context, EVP_sha256(), NULL) != 1) abort();
  return state;
}

void test_sha256_update(struct test_sha256 *state, const void *bytes, size_t count) {
  if (EVP_DigestUpdate(state->context, bytes, count) != 1) abort();
}

void test_sha256_finish(struct test_sha256 *state, uint8_t digest[32]) {
  unsigned int length = 32;
  if (EVP_DigestFinal_ex(state->context, digest, &length) != 1) abort();
  EVP_MD_CTX_free(state->context);
  free(state);
}

int test_spawn(
    const char *const arguments[], const char *const environment[], const char *directory, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t signals;
  pid_t process = 0;
  if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0) abort();
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (directory) posix_spawn_file_actions_addchdir_np(&actions, directory);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  int result =
      posix_spawnp(&process, arguments[0], &actions, &attributes, (char **)arguments, (char **)environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return result == 0 ? process : -result;
}

int test_wait(int process, int *status) {
  pid_t result;
  do result = waitpid(process, status, WNOHANG);
  while (result < 0 && errno == EINTR);
  return result == process;
}

int test_kill(int process) { return kill(-process, SIGKILL) == 0 ? 0 : -errno; }
