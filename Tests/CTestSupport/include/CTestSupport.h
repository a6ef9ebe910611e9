// What the tests need of the host that Swift's Glibc module leaves out, and SHA-256 from libcrypto.
// Every function gives a negative errno where it fails.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct test_time {
  int64_t seconds;
  uint32_t nanoseconds;
};

struct test_status {
  uint32_t mode, links, owner, group, device_major, device_minor;
  uint64_t inode, size, blocks;
  struct test_time accessed, modified, changed, created;
  int has_created;
};

int test_status(const char *path, struct test_status *out);
int64_t test_list_attributes(const char *path, char *buffer, size_t size);
int64_t test_get_attribute(const char *path, const char *name, void *buffer, size_t size);
int64_t test_set_attribute(const char *path, const char *name, const void *value, size_t size);
/// `mode` as fallocate(2) has it.
int64_t test_allocate(int descriptor, int mode, int64_t offset, int64_t length);
int64_t test_seek_data(int descriptor, int64_t offset);
int64_t test_seek_hole(int descriptor, int64_t offset);

struct test_sha256;
struct test_sha256 *test_sha256_begin(void);
void test_sha256_update(struct test_sha256 *state, const void *bytes, size_t count);
/// Frees the state.
void test_sha256_finish(struct test_sha256 *state, uint8_t digest[32]);

/// Starts a program found by PATH, with its standard input empty and no other descriptors but the two given.
/// - Parameter directory: NULL for the present one.
/// - Returns: the process, or a negative errno.
int test_spawn(
    const char *const arguments[], const char *const environment[], const char *directory, int output, int errors);
/// The status of waitpid(2) in `status`, and 1; 0 where the process still runs.
int test_wait(int process, int *status);
int test_kill(int process);
