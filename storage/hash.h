/* hash.h: FNV-1a of a text, for tables in memory. Not against those who choose their texts to collide. */
#ifndef FC_HASH_H
#define FC_HASH_H

#include <stdint.h>

static inline uint64_t fc_hash_text(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        h = (h ^ *c) * UINT64_C(1099511628211);
    return h;
}

#endif
