#include <blkid/blkid.h>

// memfd_create(2): in libc, but declared only for _GNU_SOURCE, with which Swift's Glibc module is not built.
int memfd_create(const char *name, unsigned int flags);
