#include <sys/types.h>
#include <sys/xattr.h>

// In libc, but declared only for _GNU_SOURCE, with which Swift's Glibc module is not built.
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);
