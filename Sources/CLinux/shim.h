#include <malloc.h>
#include <regex.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/xattr.h>

// In libc, but declared only for _GNU_SOURCE, with which Swift's Glibc module is not built.
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);

// GNU's own interface of regular expressions, without what it tells of the parts of a match.
unsigned long re_set_syntax(unsigned long syntax);
const char *re_compile_pattern(const char *pattern, size_t length, regex_t *compiled);
int re_match(regex_t *compiled, const char *text, int length, int start, void *registers);
