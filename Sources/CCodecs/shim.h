#include <dlfcn.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lzma.h>
#include <zstd.h>

/* lzo1x_decompress_safe of liblzo2, which is loaded when it is wanted: source, its length, destination, its length, memory. */
typedef int (*vitrine_lzo_decompress)(
    const unsigned char *, unsigned long, unsigned char *, unsigned long *, void *);
