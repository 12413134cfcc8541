/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), for bytes that went through somebody else's hands, and his tools. */
#ifndef XENLET_TEST_SHA256_H
#define XENLET_TEST_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t h[8];
    uint64_t len;
    uint8_t block[64];
};

static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t sha256_rotate(uint32_t x, unsigned int by)
{
    return x >> by | x << (32 - by);
}

static inline void sha256_block(struct sha256 *s, const uint8_t *block)
{
    uint32_t w[64], v[8], t1, t2;

    for (unsigned int i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
               block[3];
    for (unsigned int i = 16; i < 64; i++) {
        t1 = sha256_rotate(w[i - 15], 7) ^ sha256_rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        t2 = sha256_rotate(w[i - 2], 17) ^ sha256_rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + t1 + w[i - 7] + t2;
    }
    for (unsigned int i = 0; i < 8; i++)
        v[i] = s->h[i];
        /* The eight variables are not moved: their numbers go round. Unrolled, these are constants.
         */
#define SHA256_V(n) v[(unsigned int)(n - i) & 7]
#pragma GCC unroll 64
    for (unsigned int i = 0; i < 64; i++) {
        uint32_t a = SHA256_V(0), e = SHA256_V(4);

        t1 = SHA256_V(7) + (sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25)) +
             ((e & SHA256_V(5)) ^ (~e & SHA256_V(6))) + sha256_k[i] + w[i];
        t2 = (sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22)) +
             ((a & SHA256_V(1)) ^ (a & SHA256_V(2)) ^ (SHA256_V(1) & SHA256_V(2)));
        SHA256_V(3) += t1;
        SHA256_V(7) = t1 + t2;
    }
#undef SHA256_V
    for (unsigned int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static inline void sha256_begin(struct sha256 *s)
{
    *s = (struct sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

static inline void sha256_add(struct sha256 *s, const void *data, size_t n)
{
    for (const uint8_t *p = data; n;) {
        if (!(s->len & 63) && n >= 64) {
            sha256_block(s, p);
            s->len += 64;
            p += 64;
            n -= 64;
            continue;
        }
        s->block[s->len++ & 63] = *p++;
        n--;
        if (!(s->len & 63))
            sha256_block(s, s->block);
    }
}

#define SHA256_HEX 64

/* The hash as sha256sum writes it, and a NUL. */
static inline void sha256_end(struct sha256 *s, char hex[SHA256_HEX + 1])
{
    uint64_t bits = s->len * 8;
    uint8_t length[8];

    for (unsigned int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(s, "\x80", 1);
    while ((s->len & 63) != 56)
        sha256_add(s, "", 1);
    sha256_add(s, length, 8);
    for (unsigned int i = 0; i < SHA256_HEX; i++)
        hex[i] = "0123456789abcdef"[s->h[i / 8] >> (28 - i % 8 * 4) & 15];
    hex[SHA256_HEX] = '\0';
}

#endif
