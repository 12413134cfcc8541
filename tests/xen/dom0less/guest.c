/* SPDX-License-Identifier: MIT */
/*
 * The guest of the dom0less tests: says which channels Xen made for it, and, with `show-tree` on
 * its command line, shows the device tree Xen gave it. Until the library itself runs on arm64, this
 * is what looks at a real Xen there.
 */
#include <xenlet/types.h>

#define BYTES_A_LINE 48u

long hypercall(unsigned int number, unsigned long a1, const void *a2, const void *a3);
void guest_main(const uint8_t *tree);

static char line[128];
static unsigned int length;

static void put(const char *text)
{
    while (*text && length < sizeof(line) - 1)
        line[length++] = *text++;
}

static void put_hex(uint64_t n, unsigned int digits)
{
    while (digits-- > 0 && length < sizeof(line) - 1)
        line[length++] = "0123456789abcdef"[n >> (4 * digits) & 15];
}

static void put_number(uint32_t n)
{
    unsigned int digits = 1;

    while (digits < 8 && n >> (4 * digits))
        digits++;
    put("0x");
    put_hex(n, digits);
}

static void end_line(void)
{
    line[length++] = '\n';
    hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, (void *)(uintptr_t)length, line);
    length = 0;
}

/* False when there are no ports that high. */
static bool show_channel(evtchn_port_t port)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = port };

    if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status, NULL) != 0)
        return false;
    if (status.status != EVTCHNSTAT_interdomain)
        return true;
    put("channel ");
    put_number(port);
    put(" peer ");
    put_number(status.u.interdomain.port);
    put(" of domain ");
    put_number(status.u.interdomain.dom);
    end_line();
    return true;
}

/* In a tree numbers have their highest byte first. */
static uint32_t tree_size(const uint8_t *tree)
{
    return (uint32_t)tree[4] << 24 | (uint32_t)tree[5] << 16 | (uint32_t)tree[6] << 8 | tree[7];
}

static void show_tree(const uint8_t *tree)
{
    uint32_t size = tree_size(tree);

    for (uint32_t at = 0; at < size; at += BYTES_A_LINE) {
        put("tree ");
        for (uint32_t i = at; i < size && i < at + BYTES_A_LINE; i++)
            put_hex(tree[i], 2);
        end_line();
    }
}

/* Whether the command line, or anything else in the tree, says so. */
static bool is_wanted(const uint8_t *tree)
{
    static const char word[] = "show-tree";

    for (uint32_t at = 0; at + sizeof(word) < tree_size(tree); at++) {
        uint32_t i = 0;

        while (word[i] && tree[at + i] == (uint8_t)word[i])
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

void guest_main(const uint8_t *tree)
{
    evtchn_port_t port = 1;

    while (show_channel(port))
        port++;
    if (is_wanted(tree))
        show_tree(tree);
    put("that is all");
    end_line();
}
