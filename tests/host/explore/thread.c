/* SPDX-License-Identifier: MIT */
/* The threads: how they stop at each step, what each can do next, and doing it. */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/search.h"

struct thread threads[MAX_THREADS], *me;
bool threads_believed_wrong, threads_in_order;

int explore_thread(void)
{
    return me ? (int)(me - threads) : -1;
}

static void body(void *arg)
{
    unsigned int t = (unsigned int)(uintptr_t)arg;
    const struct op start = { .kind = OP_START }, idle = { .kind = OP_IDLE };

    if (program->look)
        search_step(&start);
    program->threads[t].body();
    access_flush();
    for (;;)
        search_step(&idle);
}

static void resume(struct thread *t)
{
    me = t;
    access_switch((int)(t - threads));
    coroutine_run(t->coroutine);
    t->stack = 0;
    access_switch(-1);
    me = NULL;
}

uint64_t search_step(const struct op *op)
{
    me->next = *op;
    if (!locks_observe(me, op))
        threads_believed_wrong = true;
    if (op->kind == OP_IDLE)
        me->nr_looked = 0;
    coroutine_yield();
    while (me->looked_at) {
        struct thread *t = me;

        t->looked_at = false;
        program->look((unsigned int)(t - threads));
        access_flush();
        t->next = *op;
        coroutine_yield();
    }
    return me->result;
}

void explore_point(const char *text)
{
    const struct op op = { .kind = OP_POINT, .text = text, .pc = __builtin_return_address(0) };

    if (!me)
        return;
    access_flush();
    search_step(&op);
}

void explore_sleep(const char *text)
{
    const struct op op = { .kind = OP_SLEEP, .text = text, .pc = __builtin_return_address(0) };

    access_flush();
    search_step(&op);
}

void explore_wake(unsigned int thread)
{
    threads[thread].woken = true;
    threads[thread].asleep = false;
}

void explore_kick(unsigned int thread)
{
    threads[thread].kicked = true;
    threads[thread].asleep = false;
}

void explore_unkick(void)
{
    if (!me || !me->kicked)
        return;
    me->kicked = me->was_masked = false;
    machine_catch_up((unsigned int)(me - threads)); /* the CPU took an interrupt */
}

void threads_use_ghost(void)
{
    if (me)
        me->used_ghost = true;
}

void explore_enter(const char *what)
{
    if (me && me->depth < 8)
        me->within[me->depth] = what;
    if (me)
        me->depth++;
}

void explore_leave(void)
{
    if (me)
        me->depth--;
}

/* --- choices -------------------------------------------------------------------------------- */

static bool something_has_changed(const struct thread *t)
{
    for (unsigned int i = 0; i < t->nr_looked; i++) {
        if (!machine_has_seen_newest((unsigned int)(t - threads), t->looked[i]))
            return true;
    }
    return false;
}

/* The same compare-and-swap again, which would fail as it did. */
static bool is_in_vain(const struct thread *t)
{
    return t->failed.loc && t->next.kind == OP_RMW && t->next.rmw == RMW_CAS &&
           t->next.loc == t->failed.loc && t->next.expected == t->failed.expected &&
           t->next.value == t->failed.value && t->next.loc->newest == t->failed.newest;
}

static unsigned int step_options(const struct thread *t)
{
    switch (t->next.kind) {
    case OP_IDLE:
        return 0;
    case OP_SLEEP:
        return t->woken;
    case OP_WAIT:
        return something_has_changed(t) || t->looks_once_more;
    default:
        return is_in_vain(t) || locks_block(&t->next)
                   ? 0
                   : machine_options((unsigned int)(t - threads), &t->next);
    }
}

static void add(struct choice *list, unsigned int *n, unsigned int t, enum kind kind,
                unsigned int option)
{
    if (*n == MAX_CHOICES)
        abort();
    list[(*n)++] = (struct choice){ .thread = (uint8_t)t,
                                    .kind = (uint8_t)kind,
                                    .option = (uint8_t)option,
                                    .weak = kind == STEP && option };
}

static void note_masked(struct thread *t)
{
    if (t->kicked && program->looks((unsigned int)(t - threads)) == LOOKS_IN_VAIN)
        t->was_masked = true;
}

/*
 * While upcalls are masked Xen looks in vain. When exactly makes no difference: whether it has is
 * decided when they are unmasked.
 */
static void add_looks(struct choice *list, unsigned int *n, unsigned int t)
{
    struct thread *th = &threads[t];

    note_masked(th);
    if (!th->kicked || program->looks(t) != LOOKS)
        return;
    add(list, n, t, LOOK, 0);
    if (th->was_masked)
        add(list, n, t, LOOK_IN_VAIN, 0);
}

/* Steps of one thread; whether there are any. */
static bool add_thread(struct choice *list, unsigned int *n, unsigned int t)
{
    uint8_t which[MAX_OPTIONS];
    unsigned int k = step_options(&threads[t]), before = *n;

    for (unsigned int i = 0; i < k; i++)
        add(list, n, t, STEP, i);
    k = machine_waiting(t, which);
    for (unsigned int i = 0; i < k; i++)
        add(list, n, t, LET_GO, which[i]);
    add_looks(list, n, t);
    return *n > before;
}

static bool may_be_looked_at(const struct thread *t)
{
    return t->kicked && program->looks((unsigned int)(t - threads)) == LOOKS;
}

/*
 * What the thread does next makes no difference to anybody else, nor others to it, whatever they do
 * before; and there is one way to do it.
 */
static bool is_nobodys_business(struct thread *t)
{
    unsigned int number = (unsigned int)(t - threads);

    if (may_be_looked_at(t) || sleep_is_visible(&t->next))
        return false;
    switch (t->next.kind) {
    case OP_MB:
    case OP_RMB:
    case OP_WMB:
        return step_options(t) == 1;
    case OP_STORE:
        return locks_leave_or_guard(t, &t->next) && machine_may_go(number, &t->next);
    case OP_LOAD:
    case OP_RMW:
        return locks_leave_or_guard(t, &t->next) && step_options(t) == 1;
    default:
        return false;
    }
}

/*
 * Others do what they do before: they could have done it a step earlier. It has just taken a lock
 * (where loads go early it may make a difference what came between); or it does something of its
 * own, instruction by instruction.
 */
static bool goes_on_alone(const struct thread *t)
{
    if (t->took_lock)
        return threads_in_order && !may_be_looked_at(t);
    return t->at_ease;
}

unsigned int threads_choices(struct choice *list, unsigned int last)
{
    unsigned int n = 0, own;
    bool costs;

    if (is_nobodys_business(&threads[last])) {
        note_masked(&threads[last]);
        add(list, &n, last, STEP, 0);
        return n;
    }
    costs = add_thread(list, &n, last);
    if (costs && goes_on_alone(&threads[last]))
        return n;
    own = n;
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        if (t != last && !threads[t].asleep)
            add_thread(list, &n, t);
    }
    for (unsigned int i = own; i < n; i++)
        list[i].costs = costs;
    return n;
}

bool threads_redundant(void)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        if (machine_redundant(t, &threads[t].next))
            return true;
    }
    return false;
}

bool threads_hold_back(void)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        if (!machine_has_let_go(t))
            return true;
    }
    return false;
}

/* Before it does anything else: what it could see now does not matter. */
static bool will_catch_up(const struct thread *t)
{
    return t->next.kind == OP_IDLE || t->next.kind == OP_START || t->next.kind == OP_SLEEP;
}

static void note_step(struct thread *t, const struct effect *e)
{
    t->failed.loc = NULL;
    if (t->next.kind == OP_RMW && t->next.rmw == RMW_CAS && !e->wrote) {
        t->failed.loc = t->next.loc;
        t->failed.expected = t->next.expected;
        t->failed.value = t->next.value;
        t->failed.newest = e->newest;
    }
    if (t->next.kind == OP_WAIT || t->next.kind == OP_STORE || e->wrote)
        t->nr_looked = 0;
    if ((t->next.kind == OP_LOAD || t->next.kind == OP_RMW) && t->nr_looked < MAX_LOOKED)
        t->looked[t->nr_looked++] = t->next.loc;
}

static void all_look_again(void)
{
    for (unsigned int t = 0; t < program->nr_threads; t++)
        threads[t].has_looked_once_more = false;
}

static void do_step(struct thread *t, unsigned int option)
{
    unsigned int number = (unsigned int)(t - threads);
    const struct op op = t->next;
    struct effect e;

    t->result = machine_do(number, &t->next, option, &e);
    if (printing)
        print_step(number, t->depth, t->depth ? t->within[t->depth - 1] : NULL, &t->next, &e);
    if (t->next.kind == OP_WAIT || t->next.kind == OP_SLEEP || t->next.kind == OP_START)
        machine_catch_up(number);
    if (t->next.kind == OP_SLEEP)
        t->woken = false;
    note_step(t, &e);
    locks_note(t, &t->next);
    t->took_lock = t->next.lock;
    t->looks_once_more = false;
    if (t->kicked && program->looks(number) == LOOKS)
        t->was_masked = false; /* it had the choice */
    if (e.wrote)
        all_look_again();
    t->used_ghost = false;
    resume(t);
    t->at_ease = op.kind == OP_POINT && t->next.kind == OP_POINT;
    if (t->used_ghost && !sleep_observe(&op))
        threads_believed_wrong = true;
    sleep_after(t, &(struct done){ .loc = e.waits || e.own ? NULL : op.loc,
                                   .wrote = e.wrote,
                                   .caught_up = op.kind == OP_WAIT || op.kind == OP_SLEEP ||
                                                op.kind == OP_START,
                                   .visible = t->used_ghost });
}

void threads_take(struct choice c)
{
    struct thread *t = &threads[c.thread];
    struct effect e;

    if (c.kind == STEP) {
        do_step(t, c.option);
    } else if (c.kind == LET_GO) {
        struct op op = { .kind = OP_STORE };

        machine_let_go(c.thread, c.option, &e, &op.loc);
        sleep_after(t, &(struct done){ .loc = op.loc, .wrote = true });
        if (printing)
            print_step(c.thread, t->depth, "a store that waited", &op, &e);
    } else if (c.kind == LOOK_IN_VAIN) {
        t->kicked = t->was_masked = false;
        machine_catch_up(c.thread);
        sleep_after(t, &(struct done){ .caught_up = true });
    } else {
        t->kicked = t->was_masked = false;
        t->looked_at = true;
        t->took_lock = t->at_ease = false;
        machine_catch_up(c.thread);
        t->used_ghost = false;
        resume(t);
        sleep_after(t, &(struct done){ .caught_up = true, .visible = t->used_ghost });
    }
    result->steps++;
}

void threads_begin(void)
{
    access_begin();
    machine_start(program->nr_threads);
    how = RUNNING;
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        struct coroutine *c = threads[t].coroutine;

        threads[t] = (struct thread){ .coroutine = c };
        coroutine_restart(c);
    }
    for (unsigned int t = 0; t < program->nr_threads && how == RUNNING; t++)
        resume(&threads[t]);
}

bool threads_look_once_more(void)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        struct thread *th = &threads[t];

        if (th->next.kind == OP_WAIT && !th->has_looked_once_more) {
            th->looks_once_more = th->has_looked_once_more = true;
            return true;
        }
    }
    return false;
}

/*
 * Where the thread is: its stack and registers. And what it knows of what it has looked at, if it
 * may yet wait for a change of that.
 */
static uint64_t hash_thread(struct thread *t)
{
    unsigned int number = (unsigned int)(t - threads);
    uint64_t h;

    if (!t->stack)
        t->stack = coroutine_hash(t->coroutine);
    h = mix(t->stack, (unsigned)is_in_vain(t) << 3 | (unsigned)t->was_masked << 2 |
                          (unsigned)t->kicked << 1 | t->woken);

    for (unsigned int i = 0; i < t->nr_looked && t->next.kind != OP_IDLE; i++)
        h = mix(h, (uint64_t)t->looked[i]->id << 1 | machine_has_seen_newest(number, t->looked[i]));
    return h;
}

void threads_snapshot(struct snapshot *s)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        snapshot_move(s, &threads[t], sizeof(threads[t]));
        coroutine_snapshot(threads[t].coroutine, s);
    }
    machine_snapshot(s);
    access_snapshot(s);
    me = NULL;
}

uint64_t threads_hash(bool in_order)
{
    unsigned int alive = 0;
    uint64_t h = 0;

    for (unsigned int t = 0; t < program->nr_threads; t++) {
        struct thread *th = &threads[t];

        if (!will_catch_up(th) || !machine_has_let_go(t))
            alive |= 1u << t;
        h = mix(h, hash_thread(th));
    }
    h = mix(h, machine_hash(alive, in_order));
    h = mix(h, access_private_hash());
    if (program->hash)
        h = mix(h, program->hash());
    return h;
}

static struct coroutine *coroutines[MAX_THREADS];

void threads_create(void)
{
    for (unsigned int t = 0; t < MAX_THREADS; t++) {
        if (!coroutines[t])
            coroutines[t] = coroutine_new(body, (void *)(uintptr_t)t);
        threads[t].coroutine = coroutines[t];
    }
}
