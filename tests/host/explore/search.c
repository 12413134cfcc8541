/* SPDX-License-Identifier: MIT */
/*
 * The search. A run goes on with the first choice there is, and notes what others there were; the
 * next begins at the last of these, where a snapshot was taken. Two runs that come to states in
 * which each thread stands at the same place with the same in its registers and on its stack, and
 * memory is the same and may yet be seen in the same ways, go on alike: the second is not followed.
 * That is what reduces the interleavings of steps that do not meet.
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
#define IN_ORDER  8u /* so many times the states, to find all that pre-emptions alone can do */
#define FORCED    4u /* each so many steps with no choice left the state is looked up too */

const struct program *program;
struct result *result;
enum end how;
bool printing;

static struct level {
    uint8_t taken, n;
    struct snapshot snapshot; /* before the choice */
} path[MAX_DEPTH];
static unsigned int path_length;

/* Where the run is. */
static struct position {
    unsigned int depth; /* on the path */
    unsigned int last;  /* the thread that ran last */
    unsigned int length;
    unsigned int forced; /* steps of which the bounds leave one */
    struct bounds used;
} at;

static const struct bounds any = { ANY, ANY };
static struct bounds bound;
static struct limits used;
static unsigned long nr_states; /* of this search */
static unsigned int restarts;   /* how often a location turned out to be shared */

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
    [OP_RMW] = "waits for a lock, or tries the same compare-and-swap, for ever",
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

static bool is_bounded(void)
{
    return bound.preemptions != ANY;
}

/* Those that are within the bounds. */
static unsigned int allowed(struct choice *list, unsigned int n)
{
    unsigned int kept = 0;

    for (unsigned int i = 0; i < n; i++) {
        if ((list[i].costs && at.used.preemptions == bound.preemptions) ||
            (list[i].weak && at.used.reorderings == bound.reorderings))
            continue;
        list[kept++] = list[i];
    }
    return kept;
}

/* Which thread ran last makes a difference if it costs something to leave it. */
static bool is_new(const struct choice *list, unsigned int n)
{
    uint64_t last = 0, h;

    for (unsigned int i = 0; i < n && is_bounded(); i++)
        last = list[i].costs ? at.last + 1 : last;
    if (threads_in_order && machine_memory == MEMORY_ARM64 &&
        seen_covers(mix(threads_hash(false), last), at.used, sleep_set()))
        return false; /* by one that was not in order yet */
    h = mix(threads_hash(threads_in_order), last);
    return seen_is_new(h, at.used, sleep_set());
}

static void does_not_end(void)
{
    const struct op *op = &threads[at.last].next;

    explore_fail("a run does not end: %s is at it still%s%s", program->threads[at.last].name,
                 op->text ? ": " : "", op->text ? op->text : "");
}

static void run_begin(void)
{
    threads_begin();
    at = (struct position){ 0 };
}

/* To where the path had its last choice. */
static void run_go_back(void)
{
    struct level *level = &path[path_length - 1];

    snapshot_begin(&level->snapshot, true);
    snapshot_move(&level->snapshot, &at, sizeof(at));
    threads_snapshot(&level->snapshot);
    how = RUNNING;
}

static void add_level(unsigned int n)
{
    struct level *level = &path[path_length++];

    result->states++;
    nr_states++;
    level->taken = 0;
    level->n = (uint8_t)n;
    snapshot_begin(&level->snapshot, false);
    snapshot_move(&level->snapshot, &at, sizeof(at));
    threads_snapshot(&level->snapshot);
}

/* Follow the path, and go on from its end. */
static enum end run(void)
{
    while (how == RUNNING) {
        struct choice list[MAX_CHOICES];
        unsigned int all, n, k = 0;

        threads_in_order = machine_memory != MEMORY_ARM64 ||
                           (is_bounded() && at.used.reorderings == bound.reorderings);
        n = all = threads_choices(list, at.last);

        if (n == 0) {
            if (threads_redundant())
                return PRUNED;
            if (sleep_set())
                return PRUNED;
            if (threads_look_once_more())
                continue;
            if (threads_hold_back())
                return PRUNED;
            ended();
            return how == RUNNING ? ENDED : how;
        }
        if (is_bounded())
            n = allowed(list, n);
        if (n == 1 && all > 1 && at.depth == path_length && ++at.forced % FORCED == 0 &&
            !is_new(list, all))
            return PRUNED;
        if (n > 1) {
            if (at.depth == MAX_DEPTH) {
                does_not_end();
                break;
            }
            if (at.depth == path_length) {
                if (threads_redundant() || !is_new(list, n))
                    return PRUNED;
                add_level(n);
            }
            k = path[at.depth++].taken;
            if (k >= n) {
                explore_fail("the replay string does not fit the program");
                break;
            }
        }
        at.used.preemptions += list[k].costs;
        at.used.reorderings += list[k].weak;
        sleep_before(list, k, is_bounded(), at.last);
        at.last = list[k].thread;
        threads_take(list[k]);
        if (++at.length > MAX_STEPS)
            does_not_end();
        if (at.length > result->longest)
            result->longest = at.length;
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
                                         [SIGVTALRM] = "the code does not come back" };

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
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM };
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER };

    sigaltstack(&alternative, NULL);
    for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

static void watch(unsigned int seconds)
{
    const struct itimerval timer = { .it_value.tv_sec = (time_t)seconds };

    setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

static enum end guarded_run(bool from_the_start)
{
    enum end end;

    if (sigsetjmp(crashed, 0)) {
        me = NULL;
        end = FAILED;
    } else {
        if (from_the_start)
            run_begin();
        else
            run_go_back();
        end = run();
    }
    me = NULL;
    return end;
}

/* --- all runs ------------------------------------------------------------------------------- */

static void describe_path(char *text, size_t size)
{
    size_t end = (size_t)snprintf(text, size, "%lu.%u.%u.%u.%u.%u.", used.states, used.preemptions,
                                  used.hunt, restarts, bound.preemptions, bound.reorderings);

    for (unsigned int i = 0; i < path_length && end + 8 < size; i++) {
        unsigned int same = 1;

        while (i + same < path_length && path[i + same].taken == path[i].taken)
            same++;
        if (same > 2)
            end += (size_t)snprintf(text + end, size - end, "%c%u", 'a' + path[i].taken, same);
        else
            end += (size_t)snprintf(text + end, size - end, "%c", 'a' + path[i].taken);
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
    nr_states = 0;
    seen_clear();
    for (;;) {
        enum end end;

        if ((result->runs & 1023) == 0)
            watch(20);
        result->runs++;
        end = guarded_run(path_length == 0);
        if (end == FAILED) {
            describe_path(result->replay, sizeof(result->replay));
            return true;
        }
        if (end == RESTART || threads_believed_wrong) {
            threads_believed_wrong = false;
            *result = (struct result){ 0 };
            path_length = 0;
            nr_states = 0;
            seen_clear();
            if (++restarts == stop_at)
                return true;
            continue;
        }
        if (nr_states > max_states)
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
    sleep_forget();
    threads_create();
    catch_signals();
    how = RUNNING;
    restarts = 0;
    watch(20);
    if (sigsetjmp(crashed, 0) == 0)
        p->setup();
}

/*
 * One pre-emption, in order and with one reordering; two, ...; then more reorderings. False at the
 * end.
 */
static bool next_bounds(struct bounds *b, unsigned int preemptions)
{
    if (b->preemptions == 0)
        *b = (struct bounds){ 1, 0 };
    else if (b->reorderings == 1 && b->preemptions < preemptions)
        *b = (struct bounds){ b->preemptions + 1, 0 };
    else
        b->reorderings++;
    return b->preemptions <= preemptions && b->reorderings <= preemptions;
}

/* Fewer were too many already. */
static bool too_many(const bool *failed, struct bounds b)
{
    for (unsigned int p = 0; p <= b.preemptions; p++) {
        for (unsigned int r = 0; r <= b.reorderings; r++) {
            if (failed[p * (MAX_PREEMPTIONS + 1) + r])
                return true;
        }
    }
    return false;
}

/* Again from the first bounds on when a location turns out to be shared. */
static void explore_bounded(const struct limits *limits, unsigned int stop_at)
{
    bool ended_early[(MAX_PREEMPTIONS + 1) * (MAX_PREEMPTIONS + 1)] = { false };
    struct bounds next = { 0 };
    unsigned int first = restarts;
    struct result *r = result;

    while (!r->failed && next_bounds(&next, limits->preemptions)) {
        if (too_many(ended_early, next))
            continue;
        if (stop_at && restarts == stop_at)
            return;
        bound = next;
        if (!search(limits->states * (next.reorderings ? 1 : IN_ORDER), stop_at))
            ended_early[next.preemptions * (MAX_PREEMPTIONS + 1) + next.reorderings] = true;
        else
            r->within[next.reorderings] = next.preemptions;
        if (restarts != first) {
            first = restarts;
            next = (struct bounds){ 0 };
            memset(ended_early, 0, sizeof(ended_early));
            memset(r->within, 0, sizeof(r->within));
        }
    }
}

/* All interleavings, if they are few enough; else those within bounds. */
static void explore_until(const struct limits *limits, unsigned int stop_at)
{
    struct result *r = result;

    bound = any;
    if (!limits->hunt)
        r->complete = search(limits->states, stop_at);
    if (!r->complete && !r->failed)
        explore_bounded(limits, stop_at);
    bound = any;
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
    unsigned int hunt, wanted;
    struct bounds within;
    int end = 0;

    snprintf(replay, sizeof(replay), "%s", string);
    set_up(p, r);
    if (sscanf(replay, "%lu.%u.%u.%u.%u.%u.%n", &limits.states, &limits.preemptions, &hunt, &wanted,
               &within.preemptions, &within.reorderings, &end) != 6 ||
        !end) {
        explore_fail("no replay string: %s", replay);
        return;
    }
    limits.hunt = hunt;
    if (wanted)
        explore_until(&limits, wanted);
    *r = (struct result){ 0 };
    bound = within;
    seen_clear();
    read_path(replay + end);
    print_begin(out, p);
    printing = true;
    if (guarded_run(true) == FAILED)
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
