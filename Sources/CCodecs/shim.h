#include <zlib.h>
#include <zstd.h>

/* Macros that name their own header's version, which Swift does not import. */
static inline int vitrine_inflateInit2(z_stream *stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}
