/* SPDX-License-Identifier: MIT */
/*
 * The search. A run begins from the same memory each time and follows a list of choices; where that
 * ends it goes on with the first choice there is, and notes what others there were. Two runs that
 * come to states in which the threads have read the same and may yet read the same go on alike: the
 * second is not followed. That is what reduces the interleavings of steps that do not meet.
 *
 * A bounded search leaves a thread that could go on so many times at most, and has so many loads
 * and stores at most out of their order.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "tests/host/explore/search.h"

#define MAX_DEPTH 4096u
#define MAX_STEPS 8000u

const struct program *program;
struct result *result;
enum end how;
bool printing;

static struct {
    uint8_t taken, n;
} path[MAX_DEPTH];
static unsigned int path_length;

static unsigned int bound; /* pre-emptions; ANY: any number */
static struct limits used;
static unsigned int restarts; /* how often a location turned out to be shared */

/* --- the end of a run ------------------------------------------------------------------------- */

static void stop(enum end end)
{
    how = end;
    if (me)
        coroutine_abandon();
}

void explore_fail(const char *format, ...)
{
    va_list args;

    if (how == FAILED)
        return;
    va_start(args, format);
    vsnprintf(result->message, sizeof(result->message), format, args);
    va_end(args);
    result->failed = true;
    stop(FAILED);
}

void explore_prune(void)
{
    stop(PRUNED);
    abort();
}

void search_restart(void)
{
    stop(RESTART);
    abort();
}

static const char *const waits_for[] = {
    [OP_WAIT] = "spins, and what it looks at does not change",
    [OP_RMW] = "tries the same compare-and-swap for ever",
};

static void ended(void)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        enum op_kind kind = threads[t].next.kind;

        if (kind == OP_STORE) {
            how = PRUNED; /* more stores wait than the machine has room for */
            return;
        }
        if (kind != OP_IDLE && kind != OP_SLEEP) {
            explore_fail("%s %s, at %s", program->threads[t].name,
                         kind == OP_WAIT || kind == OP_RMW ? waits_for[kind] : "cannot go on",
                         names_line(threads[t].next.pc));
            return;
        }
    }
    machine_settle();
    program->check();
}

/* --- one run -------------------------------------------------------------------------------- */

/* Those that are within the bounds. */
static unsigned int allowed(struct choice *list, unsigned int n, unsigned int preemptions,
                            unsigned int reorderings)
{
    unsigned int kept = 0;

    for (unsigned int i = 0; i < n; i++) {
        if ((list[i].costs && preemptions == bound) || (list[i].weak && reorderings == bound))
            continue;
        list[kept++] = list[i];
    }
    return kept;
}

static uint64_t state_hash(unsigned int last, unsigned int reorderings)
{
    uint64_t h = threads_hash();

    return bound == ANY ? h : mix(h, last << 8 | reorderings);
}

static void does_not_end(unsigned int last)
{
    const struct op *op = &threads[last].next;

    explore_fail("a run does not end: %s is at it still%s%s", program->threads[last].name,
                 op->text ? ": " : "", op->text ? op->text : "");
}

/* Follow the path, and go on from its end. */
static enum end run(void)
{
    unsigned int depth = 0, last = 0, preemptions = 0, reorderings = 0, length = 0;

    threads_begin();
    while (how == RUNNING) {
        struct choice list[MAX_CHOICES];
        unsigned int n = threads_choices(list, last), k = 0;

        if (n == 0) {
            if (threads_redundant())
                return PRUNED;
            if (threads_look_once_more())
                continue;
            ended();
            return how == RUNNING ? ENDED : how;
        }
        if (bound != ANY)
            n = allowed(list, n, preemptions, reorderings);
        if (n > 1) {
            if (depth == MAX_DEPTH) {
                does_not_end(last);
                break;
            }
            if (depth == path_length) {
                if (threads_redundant() ||
                    !seen_is_new(state_hash(last, reorderings), bound == ANY ? 0 : preemptions))
                    return PRUNED;
                result->states++;
                path[depth].taken = 0;
                path[depth].n = (uint8_t)n;
                path_length++;
            }
            k = path[depth++].taken;
            if (k >= n) {
                explore_fail("the replay string does not fit the program");
                break;
            }
        }
        preemptions += list[k].costs;
        reorderings += list[k].weak;
        last = list[k].thread;
        threads_take(list[k]);
        if (++length > MAX_STEPS)
            does_not_end(last);
        if (length > result->longest)
            result->longest = length;
    }
    return how;
}

/* --- things that go wrong natively ---------------------------------------------------------- */

static sigjmp_buf crashed;

static void on_signal(int signal)
{
    static const char *const names[] = { [SIGSEGV] = "a wild pointer",
                                         [SIGBUS] = "a wild pointer",
                                         [SIGFPE] = "a division by zero",
                                         [SIGILL] = "a trap",
                                         [SIGALRM] = "the code does not come back" };

    if (!result || !program)
        _exit(3);
    snprintf(result->message, sizeof(result->message), "%s%s%s", names[signal], me ? ": " : "",
             me ? program->threads[me - threads].name : "");
    result->failed = true;
    siglongjmp(crashed, 1);
}

static void catch_signals(void)
{
    static char stack[65536];
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER };

    sigaltstack(&alternative, NULL);
    for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

static void watch(unsigned int seconds)
{
    const struct itimerval timer = { .it_value.tv_sec = (time_t)seconds };

    setitimer(ITIMER_REAL, &timer, NULL);
}

static enum end guarded_run(void)
{
    enum end end;

    if (sigsetjmp(crashed, 0)) {
        me = NULL;
        end = FAILED;
    } else {
        end = run();
    }
    me = NULL;
    return end;
}

/* --- all runs ------------------------------------------------------------------------------- */

static void describe_path(char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "%lu.%u.%u.%u.%u.", used.states, used.preemptions,
                                 used.hunt, restarts, bound);

    for (unsigned int i = 0; i < path_length && at + 8 < size; i++) {
        unsigned int same = 1;

        while (i + same < path_length && path[i + same].taken == path[i].taken)
            same++;
        if (same > 2)
            at += (size_t)snprintf(text + at, size - at, "%c%u", 'a' + path[i].taken, same);
        else
            at += (size_t)snprintf(text + at, size - at, "%c", 'a' + path[i].taken);
        if (same > 2)
            i += same - 1;
    }
}

static bool next_path(void)
{
    while (path_length) {
        if (++path[path_length - 1].taken < path[path_length - 1].n)
            return true;
        path_length--;
    }
    return false;
}

/* Whether all there is was seen. Ends also when `stop_at` restarts there were. */
static bool search(unsigned long max_states, unsigned int stop_at)
{
    path_length = 0;
    seen_clear();
    for (;;) {
        enum end end;

        if ((result->runs & 1023) == 0)
            watch(20);
        result->runs++;
        end = guarded_run();
        if (end == FAILED) {
            describe_path(result->replay, sizeof(result->replay));
            return true;
        }
        if (end == RESTART) {
            *result = (struct result){ 0 };
            path_length = 0;
            seen_clear();
            if (++restarts == stop_at)
                return true;
            continue;
        }
        if (seen_count() > max_states)
            return false;
        if (!next_path())
            return true;
    }
}

static void set_up(const struct program *p, struct result *r)
{
    *r = (struct result){ 0 };
    result = r;
    program = p;
    access_forget();
    machine_forget_locations();
    names_forget();
    threads_create();
    catch_signals();
    how = RUNNING;
    restarts = 0;
    watch(20);
    if (sigsetjmp(crashed, 0) == 0)
        p->setup();
}

/* All interleavings, if they are few enough; else those with one pre-emption, with two, ... */
static void explore_until(const struct limits *limits, unsigned int stop_at)
{
    struct result *r = result;

    bound = ANY;
    if (!limits->hunt)
        r->complete = search(limits->states, stop_at);
    for (unsigned int n = 1; n <= limits->preemptions && !r->complete && !r->failed; n++) {
        if (stop_at && restarts == stop_at)
            return;
        bound = n;
        r->exhausted = !search(limits->states, stop_at);
        if (r->exhausted)
            break;
        r->preemptions = n;
    }
    bound = ANY;
    if (limits->hunt && !r->failed && !(stop_at && restarts == stop_at))
        r->complete = search(limits->states, stop_at);
}

void explore(const struct program *p, const struct limits *limits, struct result *r)
{
    uint64_t memory;

    set_up(p, r);
    used = *limits;
    memory = p->memory ? p->memory() : 0;
    if (!r->failed)
        explore_until(limits, 0);
    watch(0);
    access_begin();
    if (!r->failed && p->memory && p->memory() != memory)
        explore_fail("memory was written in a way that the explorer does not see");
}

static void read_path(const char *text)
{
    path_length = 0;
    while (*text >= 'a' && path_length < MAX_DEPTH) {
        unsigned int taken = (unsigned int)(*text++ - 'a'), times = 1;

        if (*text >= '0' && *text <= '9')
            times = (unsigned int)strtoul(text, (char **)(uintptr_t)&text, 10);
        for (; times && path_length < MAX_DEPTH; times--)
            path[path_length++].taken = (uint8_t)taken;
    }
}

/* Which locations are shared is found again by searching as far as the first search did. */
void explore_replay(const struct program *p, const char *string, FILE *out, struct result *r)
{
    static char replay[sizeof(r->replay)]; /* it may be in the result of the search */
    struct limits limits;
    unsigned int hunt, wanted, within;
    int at = 0;

    snprintf(replay, sizeof(replay), "%s", string);
    set_up(p, r);
    if (sscanf(replay, "%lu.%u.%u.%u.%u.%n", &limits.states, &limits.preemptions, &hunt, &wanted,
               &within, &at) != 5 ||
        !at) {
        explore_fail("no replay string: %s", replay);
        return;
    }
    limits.hunt = hunt;
    if (wanted)
        explore_until(&limits, wanted);
    *r = (struct result){ 0 };
    bound = within;
    seen_clear();
    read_path(replay + at);
    print_begin(out, p);
    printing = true;
    if (guarded_run() == FAILED)
        r->failed = true;
    printing = false;
    watch(0);
    access_begin();
    print_end();
}

void explore_print(unsigned int t, const char *text)
{
    if (printing)
        print_text(t, "%s", text);
}
