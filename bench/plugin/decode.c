/* SPDX-License-Identifier: MIT */
/*
 * What kind an instruction of x86_64 is, from its bytes: for a kernel that patches itself, whose
 * image does not say what it executes.
 */
#include <string.h>
#include "count.h"

/* What comes before the opcode; `locked` is told of a LOCK. */
static const uint8_t *skip_prefixes(const uint8_t *at, const uint8_t *end, int *locked)
{
    for (; at < end; at++) {
        switch (*at) {
        case 0xf0:
            *locked = 1;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67:
        case 0xf2:
        case 0xf3:
            break;
        default:
            if (*at >> 4 != 4) /* REX */
                return at;
        }
    }
    return at;
}

static uintptr_t kinds_of_mark(uint32_t mark)
{
    static const uintptr_t kinds[] = { BEGIN, END, DEPART, SENT, ARRIVED, WAITING };

    return mark - MARK_BEGIN < sizeof(kinds) / sizeof(kinds[0]) ? kinds[mark - MARK_BEGIN] : 0;
}

static uintptr_t kinds_of_0f(uint8_t opcode, uint8_t modrm, uint32_t displacement)
{
    unsigned int what = modrm >> 3 & 7;

    if (opcode >> 4 == 8)
        return BRANCH;
    if (opcode == 0x05)
        return HYPERCALL; /* SYSCALL: what else would a PV kernel use it for */
    /* FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEOPT; XRSTORS, XSAVEC, XSAVES. */
    if (modrm < 0xc0 && ((opcode == 0xae && (what <= 1 || (what >= 4 && what <= 6))) ||
                         (opcode == 0xc7 && what >= 3 && what <= 5)))
        return FP_SAVE;
    /* nopl MARK(%rax,%rax) */
    if (opcode == 0x1f && modrm == 0x84)
        return kinds_of_mark(displacement);
    return 0;
}

uintptr_t kinds_of_bytes(const uint8_t *bytes, size_t size)
{
    /* As if zeros followed: an instruction is never looked at beyond its end. */
    uint8_t op[16] = { 0 };
    uint32_t displacement;
    int locked = 0;
    const uint8_t *at = skip_prefixes(bytes, bytes + size, &locked);
    uintptr_t kinds;

    memcpy(op, at, (size_t)(bytes + size - at));
    memcpy(&displacement, op + 4, sizeof(displacement));
    kinds = locked ? LOCKED : 0;
    if (op[0] >> 4 == 7 || (op[0] >= 0xe0 && op[0] <= 0xe3))
        kinds |= BRANCH;
    else if ((op[0] | 1) == 0x87 && op[1] < 0xc0)
        kinds |= LOCKED; /* XCHG with memory */
    else if (op[0] == 0xff && ((op[1] >> 3 & 7) == 2 || (op[1] >> 3 & 7) == 4))
        kinds |= INDIRECT;
    else if (op[0] == 0x0f)
        kinds |= kinds_of_0f(op[1], op[2], displacement);
    return kinds;
}
