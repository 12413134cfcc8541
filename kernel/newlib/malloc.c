/* SPDX-License-Identifier: MIT */
/* malloc() and its family are the kernel's heap: safe on all VCPUs and in handlers. */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include <xenlet/memory.h>

static void *checked(void *p)
{
    if (!p)
        errno = ENOMEM;
    return p;
}

void *malloc(size_t size)
{
    return checked(xenlet_alloc(size));
}

void free(void *p)
{
    xenlet_free(p);
}

void *calloc(size_t n, size_t size)
{
    size_t total;
    void *p = __builtin_mul_overflow(n, size, &total) ? NULL : xenlet_alloc(total);

    return checked(p ? memset(p, 0, total) : NULL);
}

/* A block that got much too large for what is in it is moved as well. */
void *realloc(void *p, size_t size)
{
    size_t old = p ? xenlet_alloc_size(p) : 0;
    void *q;

    if (p && size <= old && size > old / 4)
        return p;
    q = xenlet_alloc(size);
    if (!q)
        return p && size <= old ? p : checked(NULL);
    if (p)
        memcpy(q, p, size < old ? size : old);
    xenlet_free(p);
    return q;
}

void *memalign(size_t align, size_t size)
{
    return checked(xenlet_alloc_aligned(size, align));
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
    void *q;

    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)))
        return EINVAL;
    q = xenlet_alloc_aligned(size, align);
    if (!q)
        return ENOMEM;
    *p = q;
    return 0;
}

size_t malloc_usable_size(void *p)
{
    return p ? xenlet_alloc_size(p) : 0;
}

/* newlib's own calls. */
void *_malloc_r(struct _reent *r, size_t size)
{
    (void)r;
    return malloc(size);
}

void _free_r(struct _reent *r, void *p)
{
    (void)r;
    free(p);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
    (void)r;
    return calloc(n, size);
}

void *_realloc_r(struct _reent *r, void *p, size_t size)
{
    (void)r;
    return realloc(p, size);
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
    (void)r;
    return memalign(align, size);
}
