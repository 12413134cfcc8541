/* SPDX-License-Identifier: MIT */
/* A shell on the console, to look at its own domain and at others with what the library offers. */
#include <xenlet.h>

#define SECOND 1000000000ul
#define WORDS  4

struct command {
    const char *name, *arguments, *what;
    void (*run)(int argc, char **argv);
};

static uint64_t began;

static uint64_t soon(void)
{
    return clock_after(10 * SECOND);
}

static void complain(const char *what, int rc)
{
    console_printf("%s: error %d%s\n", what, rc, rc == -XEN_ENODEV ? ", there is no xenstore" : "");
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static unsigned int number(const char *text)
{
    unsigned int n = 0;

    while (*text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

/* --- the domain itself ------------------------------------------------------------------------ */

static void print_time(const char *what, uint64_t ns)
{
    console_printf("%s %lu.%03lu s\n", what, ns / SECOND, ns % SECOND / 1000000);
}

static void uptime(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_time("this program runs for", clock_now() - began);
    print_time("Xen was booted before", clock_now());
    print_time("since 1970-01-01 it is", clock_wall());
}

static void memory(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    console_printf("%zu KiB, %zu KiB of them free; %u grants at most, version %u\n",
                   xenlet_nr_pages() * 4, xenlet_nr_free_pages() * 4, gnttab_max(),
                   gnttab_version());
}

static void say_vcpu(void *arg)
{
    (void)arg;
    console_printf("VCPU %u: %lu ms stolen\n", vcpu_this(), clock_stolen() / 1000000);
}

/* The others are down, since nobody needs them: each is brought up to speak for itself. */
static void vcpus(int argc, char **argv)
{
    int rc = 0;

    (void)argc;
    (void)argv;
    say_vcpu(NULL);
    for (unsigned int i = 1; i < vcpu_count() && rc == 0; i++) {
        rc = vcpu_start(i, say_vcpu, NULL);
        rc = rc ? rc : vcpu_join(i, soon());
    }
    if (rc)
        complain("VCPU", rc);
}

static void channels(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    evtchn_dump(console_printf);
}

static void crash(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    *(volatile int *)NULL = 1;
}

static void quit(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    console_printf("Test result: SUCCESS\n");
    xenlet_exit(0);
}

/* --- xenstore --------------------------------------------------------------------------------- */

static int list(const char *path, int depth)
{
    char **names, *value, child[256];
    size_t n;
    int rc = xenstore_directory(NULL, path, &names, &n, soon());

    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (xenlet_snprintf(child, sizeof(child), "%s/%s", path, names[i]) >= (int)sizeof(child) ||
            xenstore_read(NULL, child, &value, NULL, soon()))
            continue; /* not for us to read, or gone by now */
        console_printf("%*s%s = \"%s\"\n", depth * 2, "", names[i], value);
        xenlet_free(value);
        list(child, depth + 1);
    }
    if (rc == 0)
        xenlet_free(names);
    return rc;
}

static void xenstore_ls(int argc, char **argv)
{
    char *id = NULL, path[32];
    int rc = 0;

    if (argc < 2)
        rc = xenstore_read(NULL, "domid", &id, NULL, soon());
    if (rc == 0 && id)
        xenlet_snprintf(path, sizeof(path), "/local/domain/%s", id);
    if (rc == 0)
        rc = list(id ? path : argv[1], 0);
    if (rc)
        complain("xenstore", rc);
    xenlet_free(id);
}

/* --- vchan ------------------------------------------------------------------------------------ */

static int echo_all(struct vchan *v, size_t *bytes)
{
    char block[1024];
    size_t n;
    int rc;

    do {
        rc = vchan_read(v, block, sizeof(block), &n, XENLET_FOREVER);
        if (rc == 0)
            rc = vchan_write(v, block, n, NULL, XENLET_FOREVER);
        *bytes += rc ? 0 : n;
    } while (rc == 0);
    return rc;
}

static void echo(int argc, char **argv)
{
    domid_t peer = (domid_t)(argc > 1 ? number(argv[1]) : 0);
    uint64_t patience = argc > 2 ? number(argv[2]) : 60;
    struct vchan *v;
    size_t bytes = 0;
    int rc = vchan_server(peer, "data/echo", 12, 12, soon(), &v);

    if (rc) {
        complain("vchan", rc);
        return;
    }
    console_printf("domain %u may connect to data/echo of this one\n", peer);
    rc = vchan_accept(v, clock_after(patience * SECOND));
    if (rc == 0)
        rc = echo_all(v, &bytes);
    if (rc == -XEN_ENOTCONN)
        console_printf("%zu bytes echoed, and it has gone\n", bytes);
    else
        complain("echo", rc);
    vchan_close(v);
}

/* --- the shell -------------------------------------------------------------------------------- */

static void help(int argc, char **argv);

static const struct command commands[] = {
    { "help", "", "this list", help },
    { "uptime", "", "of this program, and of Xen", uptime },
    { "memory", "", "of the domain, and what is free", memory },
    { "vcpus", "", "each says how long it had to wait for a CPU", vcpus },
    { "channels", "", "event channels, with what was delivered", channels },
    { "xenstore-ls", "[PATH]", "the tree below PATH, or our own", xenstore_ls },
    { "echo", "[DOMAIN [SECONDS]]", "over a vchan, to who connects", echo },
    { "crash", "", "write where nothing is", crash },
    { "exit", "", "end the domain", quit },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < NR_COMMANDS; i++)
        console_printf("  %-12s%-20s%s\n", commands[i].name, commands[i].arguments,
                       commands[i].what);
}

/* Split at spaces, in place. */
static int split(char *line, char **words)
{
    int n = 0;

    for (; *line && n < WORDS; n++) {
        while (*line == ' ')
            *line++ = '\0';
        if (!*line)
            break;
        words[n] = line;
        while (*line && *line != ' ')
            line++;
    }
    return n;
}

static void run(char *line)
{
    char *words[WORDS];
    int n = split(line, words);

    for (size_t i = 0; n && i < NR_COMMANDS; i++) {
        if (same(words[0], commands[i].name)) {
            commands[i].run(n, words);
            return;
        }
    }
    if (n)
        console_printf("%s: there is no such command; try help\n", words[0]);
}

int main(int argc, char **argv)
{
    char line[128];

    (void)argc;
    (void)argv;
    began = clock_now();
    /* Without a store, as first domain, nobody asks for anything either. */
    (void)xenlet_shutdown_init(NULL, NULL);
    console_printf("A shell on the console; help lists what it knows.\n");
    for (;;) {
        console_printf("> ");
        if (console_read_line(line, sizeof(line), NULL, XENLET_FOREVER) == 0)
            run(line);
    }
}
