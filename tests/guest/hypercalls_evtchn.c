/* SPDX-License-Identifier: MIT */
/*
 * Every event channel operation as Xen answers it, success and refusal, straight through the
 * wrappers. Ports without a handle stay masked, so nothing is delivered here; a look at whether one
 * is pending borrows a handle. EVTCHNOP_reset has tests of its own.
 */
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "tests/guest/test.h"

#define NO_PORT   (~(evtchn_port_t)0)
#define NO_VCPU   8192u  /* no x86 domain has so many */
#define NO_DOMAIN 0x7000 /* below DOMID_FIRST_RESERVED; nobody has got so far */

static int status_of(evtchn_port_t port, struct evtchn_status *status)
{
    *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
    return hypercall_evtchn_status(status);
}

/* EVTCHNSTAT_* of a port. */
static int kind_of(evtchn_port_t port)
{
    struct evtchn_status status;
    int rc = status_of(port, &status);

    return rc ? rc : (int)status.status;
}

/* Our number, which Xen puts in the place of DOMID_SELF. */
static domid_t own_domid(void)
{
    struct evtchn_status status = { .u.unbound.dom = DOMID_INVALID };
    evtchn_port_t port;

    if (hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port) == 0) {
        EXPECT_EQ(status_of(port, &status), 0);
        EXPECT_EQ(hypercall_evtchn_close(port), 0);
    }
    return status.u.unbound.dom;
}

static bool has_vcpu(unsigned int vcpu)
{
    return hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) != -XEN_ENOENT;
}

/*
 * Whether `port`, which is then closed, is pending: what Xen raised on a masked port stays there. A
 * handle that is only polled shows it.
 */
static bool close_pending(evtchn_port_t port)
{
    struct evtchn *ch;
    bool pending;

    if (!test_same(__FILE__, __LINE__, "evtchn_bind_port",
                   evtchn_bind_port(port, NULL, NULL, EVTCHN_HANDLER_GPR, &ch), 0))
        return false;
    pending = evtchn_is_pending(ch);
    EXPECT_EQ(evtchn_close(ch), 0);
    return pending;
}

/* A loop-back pair: *a was unbound, *b was bound to it. */
static int make_pair(evtchn_port_t *a, evtchn_port_t *b)
{
    int rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, a);

    if (rc)
        return rc;
    rc = hypercall_evtchn_bind_interdomain(DOMID_SELF, *a, b);
    if (rc)
        hypercall_evtchn_close(*a);
    return rc;
}

/* What a domU is told of domain 0's ports; of a machine without one, that there is none. */
static bool is_refused(int rc)
{
    return rc == -XEN_EPERM || rc == -XEN_ESRCH;
}

/* --- unbound and inter-domain --------------------------------------------------------------- */

TEST(evtchnop_alloc_unbound_says_who_may_bind)
{
    struct evtchn_status status;
    evtchn_port_t self, other;
    int rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, NO_DOMAIN, &other);

    if (rc == -XEN_ESRCH)
        SKIP("this Xen's policy wants the other domain to exist");
    CHECK_EQ(rc, 0);
    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &self), 0);
    EXPECT(self != 0 && other != 0 && self != other);

    EXPECT_EQ(status_of(self, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT(status.u.unbound.dom < DOMID_FIRST_RESERVED);
    if (xenlet_is_initial_domain())
        EXPECT_EQ(status.u.unbound.dom, 0);
    else
        EXPECT(status.u.unbound.dom != 0);

    EXPECT_EQ(status_of(other, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(status.u.unbound.dom, NO_DOMAIN);

    EXPECT_EQ(hypercall_evtchn_close(self), 0);
    EXPECT_EQ(hypercall_evtchn_close(other), 0);
}

TEST(evtchnop_alloc_unbound_errors)
{
    evtchn_port_t port = 0;

    EXPECT_EQ(hypercall_evtchn_alloc_unbound(NO_DOMAIN, DOMID_SELF, &port), -XEN_ESRCH);
    EXPECT_EQ(hypercall_evtchn_alloc_unbound(DOMID_INVALID, DOMID_SELF, &port), -XEN_ESRCH);
    /* In dom0's table: only with privilege over it, which for the first domain is its own. */
    if (!xenlet_is_initial_domain()) {
        EXPECT(is_refused(hypercall_evtchn_alloc_unbound(0, DOMID_SELF, &port)));
        EXPECT_EQ(port, 0);
    } else {
        CHECK_EQ(hypercall_evtchn_alloc_unbound(0, DOMID_SELF, &port), 0);
        EXPECT_EQ(hypercall_evtchn_close(port), 0);
    }
}

static void expect_connected(evtchn_port_t near, evtchn_port_t far, domid_t self)
{
    struct evtchn_status status;

    EXPECT_EQ(status_of(near, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT_EQ(status.u.interdomain.dom, self);
    EXPECT_EQ(status.u.interdomain.port, far);
}

TEST(evtchnop_bind_interdomain_connects_both_ends)
{
    domid_t self = own_domid();
    evtchn_port_t a, b;

    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
    EXPECT_EQ(kind_of(a), EVTCHNSTAT_unbound);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &b), 0);
    EXPECT(b != a && b != 0);
    expect_connected(a, b, self);
    expect_connected(b, a, self);
    EXPECT_EQ(hypercall_evtchn_close(a), 0);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
}

/* By our number it is the same as by DOMID_SELF. */
TEST(evtchnop_bind_interdomain_by_our_own_number)
{
    domid_t self = own_domid();
    evtchn_port_t a, b;

    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, self, &a), 0);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(self, a, &b), 0);
    expect_connected(a, b, self);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
    EXPECT_EQ(hypercall_evtchn_close(a), 0);
}

/* What may have been sent before the far end existed is made up for by one event: at the near end.
 */
TEST(evtchnop_bind_interdomain_raises_the_near_end_once)
{
    evtchn_port_t a, b;
    struct evtchn *ch;

    CHECK_EQ(make_pair(&a, &b), 0);
    CHECK_EQ(evtchn_bind_port(b, NULL, NULL, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT(evtchn_take_pending(ch));
    EXPECT(!evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT(!close_pending(a));
}

TEST(evtchnop_bind_interdomain_errors)
{
    evtchn_port_t other, a, b, c = 0;
    int rc;

    EXPECT_EQ(hypercall_evtchn_bind_interdomain(NO_DOMAIN, 1, &c), -XEN_ESRCH);
    EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, 0, &c), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, NO_PORT, &c), -XEN_EINVAL);
    /* A port that is for another domain, one that is connected, one that is free. */
    rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, NO_DOMAIN, &other);
    if (rc == 0) {
        EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, other, &c), -XEN_EINVAL);
        EXPECT_EQ(hypercall_evtchn_close(other), 0);
    } else {
        EXPECT_EQ(rc, -XEN_ESRCH); /* a policy that wants the other domain to exist */
    }
    CHECK_EQ(make_pair(&a, &b), 0);
    EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &c), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, b, &c), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(a), 0);
    EXPECT_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &c), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
    EXPECT_EQ(c, 0); /* a refusal leaves the result alone */
}

TEST(evtchnop_close_leaves_the_peer_unbound)
{
    domid_t self = own_domid();
    struct evtchn_status status;
    evtchn_port_t a, b, again;

    CHECK_EQ(make_pair(&a, &b), 0);
    EXPECT_EQ(hypercall_evtchn_close(a), 0);
    EXPECT_EQ(kind_of(a), EVTCHNSTAT_closed);
    /* The peer keeps its port, and waits for the domain that left it. */
    EXPECT_EQ(status_of(b, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(status.u.unbound.dom, self);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, b, &again), 0);
    expect_connected(b, again, self);
    EXPECT_EQ(hypercall_evtchn_close(again), 0);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
}

/* --- send ----------------------------------------------------------------------------------- */

TEST(evtchnop_send_raises_the_far_end_only)
{
    evtchn_port_t a, b;
    struct evtchn *ch;

    CHECK_EQ(make_pair(&a, &b), 0);
    CHECK_EQ(evtchn_bind_port(b, NULL, NULL, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT(evtchn_take_pending(ch)); /* from being bound */
    EXPECT_EQ(hypercall_evtchn_send(a), 0);
    EXPECT(evtchn_take_pending(ch));
    EXPECT_EQ(hypercall_evtchn_send(b), 0);
    EXPECT(!evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT(close_pending(a));
}

TEST(evtchnop_send_to_nobody_is_no_error)
{
    evtchn_port_t a, b;

    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
    EXPECT_EQ(hypercall_evtchn_send(a), 0);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &b), 0);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
    EXPECT_EQ(hypercall_evtchn_send(a), 0);
    EXPECT(!close_pending(a));
}

TEST(evtchnop_send_errors)
{
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_send(0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_send(NO_PORT), -XEN_EINVAL);
    CHECK_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, 0, &port), 0);
    /* To the PV shim's own Xen, the port of a VIRQ is one that nobody is connected to. */
    EXPECT_EQ(hypercall_evtchn_send(port), in_pv_shim() ? 0 : -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), -XEN_EINVAL);
}

/* --- IPIs and VIRQs ------------------------------------------------------------------------- */

TEST(evtchnop_bind_ipi)
{
    struct evtchn_status status;
    evtchn_port_t port = 0, second;

    EXPECT_EQ(hypercall_evtchn_bind_ipi(NO_VCPU, &port), -XEN_ENOENT);
    EXPECT_EQ(port, 0);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(status_of(port, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_ipi);
    EXPECT_EQ(status.vcpu, 0);
    /* Any number of them to one VCPU; each raises itself. */
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &second), 0);
    EXPECT_EQ(hypercall_evtchn_send(second), 0);
    EXPECT(!close_pending(port));
    EXPECT(close_pending(second));
}

TEST(evtchnop_bind_ipi_to_another_vcpu)
{
    struct evtchn_status status;
    evtchn_port_t port;

    if (!has_vcpu(1)) {
        EXPECT_EQ(hypercall_evtchn_bind_ipi(1, &port), -XEN_ENOENT);
        return;
    }
    CHECK_EQ(hypercall_evtchn_bind_ipi(1, &port), 0);
    EXPECT_EQ(status_of(port, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_ipi);
    EXPECT_EQ(status.vcpu, 1);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
}

TEST(evtchnop_bind_virq_per_vcpu)
{
    struct evtchn_status status;
    evtchn_port_t port, again = 0;

    CHECK_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, 0, &port), 0);
    EXPECT_EQ(status_of(port, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_virq);
    EXPECT_EQ(status.u.virq, VIRQ_XENOPROF);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, 0, &again), -XEN_EEXIST);
    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, NO_VCPU, &again), -XEN_ENOENT);
    EXPECT_EQ(again, 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    /* Closed, it may be bound again. */
    CHECK_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, 0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
}

TEST(evtchnop_bind_virq_errors)
{
    evtchn_port_t port = 0;

    EXPECT_EQ(hypercall_evtchn_bind_virq(NR_VIRQS, 0, &port), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_virq(~0u, 0, &port), -XEN_EINVAL);
    /* The number of the VIRQ is looked at before that of the VCPU. */
    EXPECT_EQ(hypercall_evtchn_bind_virq(NR_VIRQS, NO_VCPU, &port), -XEN_EINVAL);
    /* The dump has it. */
    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_DEBUG, 0, &port), -XEN_EEXIST);
    if (xenlet_is_initial_domain())
        EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_CONSOLE, 0, &port), -XEN_EEXIST);
    EXPECT_EQ(port, 0);
}

/* Global ones are the first domain's; Xen 4.17 and 4.20 let any domain bind them, later ones not.
 */
TEST(evtchnop_bind_virq_global)
{
    struct evtchn_status status;
    evtchn_port_t port = 0;
    int rc;

    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_TBUF, 1, &port), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_TBUF, NO_VCPU, &port), -XEN_EINVAL);
    rc = hypercall_evtchn_bind_virq(VIRQ_TBUF, 0, &port);
    if (rc == -XEN_EBUSY && !xenlet_is_initial_domain())
        return;
    CHECK_EQ(rc, 0);
    EXPECT_EQ(hypercall_evtchn_bind_virq(VIRQ_TBUF, 0, &port), -XEN_EEXIST);
    /* Unlike a per-VCPU one it may be moved. */
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, 0), 0);
    EXPECT_EQ(status_of(port, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_virq);
    EXPECT_EQ(status.u.virq, VIRQ_TBUF);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
}

/* --- ports ---------------------------------------------------------------------------------- */

TEST(evtchnop_close_errors)
{
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_close(0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(NO_PORT), -XEN_EINVAL);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    /* The PV shim never gives out again what was closed twice, and then nothing can be bound. */
    if (!in_pv_shim())
        EXPECT_EQ(hypercall_evtchn_close(port), -XEN_EINVAL);
}

TEST(evtchnop_lowest_free_port_is_given_out)
{
    evtchn_port_t port[3], again;

    /* Under FIFO a port that is still linked in a queue is passed over. */
    if (evtchn_ops->unlinks)
        SKIP("event channels are %s", evtchn_abi());
    for (unsigned int i = 0; i < 3; i++)
        CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port[i]), 0);
    EXPECT(port[0] < port[1] && port[1] < port[2]);
    EXPECT_EQ(hypercall_evtchn_close(port[1]), 0);
    EXPECT_EQ(hypercall_evtchn_close(port[0]), 0);
    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &again), 0);
    EXPECT_EQ(again, port[0]);
    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &again), 0);
    EXPECT_EQ(again, port[1]);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(hypercall_evtchn_close(port[i]), 0);
}

/* Nothing of what a port was is left when it is given out again. */
TEST(evtchnop_reused_port_is_as_new)
{
    struct evtchn_status status;
    evtchn_port_t port, again;

    if (evtchn_ops->unlinks)
        SKIP("event channels are %s", evtchn_abi());
    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port), 0);
    if (has_vcpu(1))
        EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, 1), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &again), 0);
    EXPECT_EQ(again, port);
    EXPECT_EQ(hypercall_evtchn_send(again), 0);
    EXPECT_EQ(hypercall_evtchn_close(again), 0);

    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &again), 0);
    EXPECT_EQ(again, port);
    EXPECT_EQ(status_of(again, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT(!close_pending(again));
}

TEST(evtchnop_status_of_no_port)
{
    struct evtchn_status status = { .dom = NO_DOMAIN, .port = 1 };
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_status(&status), -XEN_ESRCH);
    EXPECT_EQ(kind_of(NO_PORT), -XEN_EINVAL);
    /* Port 0 is reserved, which shows as closed; so is a port that was closed. */
    EXPECT_EQ(kind_of(0), EVTCHNSTAT_closed);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    EXPECT_EQ(kind_of(port), EVTCHNSTAT_closed);
}

TEST(evtchnop_status_by_domain_number)
{
    struct evtchn_status status = { .dom = 0 };

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &status.port), 0);
    /* Domain 0 is another one, unless we are it. */
    if (xenlet_is_initial_domain()) {
        EXPECT_EQ(hypercall_evtchn_status(&status), 0);
        EXPECT_EQ(status.status, EVTCHNSTAT_ipi);
    } else {
        EXPECT(is_refused(hypercall_evtchn_status(&status)));
    }
    EXPECT_EQ(hypercall_evtchn_close(status.port), 0);
}

/* --- bind_vcpu and unmask ------------------------------------------------------------------- */

TEST(evtchnop_bind_vcpu_errors)
{
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_bind_vcpu(0, 0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(NO_PORT, 0), -XEN_EINVAL);
    /* The PV shim looks at the port first. */
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(NO_PORT, NO_VCPU),
              in_pv_shim() ? -XEN_EINVAL : -XEN_ENOENT);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, 0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, NO_VCPU), -XEN_ENOENT);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, 0), -XEN_EINVAL);
    CHECK_EQ(hypercall_evtchn_bind_virq(VIRQ_XENOPROF, 0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(port, 0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
}

TEST(evtchnop_bind_vcpu_moves_the_port)
{
    unsigned int to = has_vcpu(1) ? 1 : 0;
    struct evtchn_status status;
    evtchn_port_t a, b;

    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(a, to), 0);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &b), 0);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(b, to), 0);
    /* Connecting does not move the end that was there. */
    EXPECT_EQ(status_of(a, &status), 0);
    EXPECT_EQ(status.vcpu, to);
    EXPECT_EQ(status_of(b, &status), 0);
    EXPECT_EQ(status.vcpu, to);
    EXPECT_EQ(hypercall_evtchn_bind_vcpu(b, 0), 0);
    EXPECT_EQ(status_of(b, &status), 0);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT_EQ(hypercall_evtchn_close(a), 0);
    EXPECT_EQ(hypercall_evtchn_close(b), 0);
}

TEST(evtchnop_unmask_errors)
{
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_unmask(NO_PORT), -XEN_EINVAL);
    /* A port that exists and is not bound has no mask to clear; Xen does not mind. */
    EXPECT_EQ(hypercall_evtchn_unmask(0), 0);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    EXPECT_EQ(hypercall_evtchn_unmask(port), 0);
}

/*
 * Unmasking a pending port raises it; as it has no handle here, it is masked again and stays
 * pending until somebody binds it.
 */
TEST(evtchnop_unmask_of_a_port_without_handle)
{
    unsigned int seen = 0;
    evtchn_port_t port;
    struct evtchn *ch;

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    EXPECT_EQ(hypercall_evtchn_unmask(port), 0);
    CHECK_EQ(evtchn_bind_port(port, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(hypercall_evtchn_unmask(port), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_close(ch), 0);
}

/* --- FIFO, which we are not in -------------------------------------------------------------- */

TEST(evtchnop_fifo_before_init_control)
{
    void *page;
    evtchn_port_t port;

    if (evtchn_ops->unlinks)
        SKIP("event channels are %s", evtchn_abi());
    if (in_pv_shim())
        SKIP("the PV shim has no FIFO");
    page = platform_page_alloc();
    CHECK(page);
    EXPECT_EQ(hypercall_evtchn_expand_array(platform_page_gfn(page)), -XEN_EOPNOTSUPP);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_set_priority(port, 7), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_evtchn_set_priority(port, 16), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_evtchn_set_priority(NO_PORT, 7), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    platform_page_free(page);
}

TEST(evtchnop_init_control_errors_leave_the_abi)
{
    const uint32_t block = sizeof(struct evtchn_fifo_control_block);
    /* One may not be written by whoever likes, and one frame is nobody's. */
    uint64_t in_use = test_unwritable_gfn(), none = ~0ul >> 12;
    uint8_t bits = 0;
    uint64_t gfn;
    void *page;

    NEEDS_ABI("2l"); /* in 3-level FIFO is refused whatever it is asked */
    if (in_pv_shim())
        SKIP("the PV shim has no FIFO");
    page = platform_page_alloc();
    CHECK(page);
    gfn = platform_page_gfn(page);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, 0, NO_VCPU, &bits), -XEN_ENOENT);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, 4, NO_VCPU, &bits), -XEN_ENOENT);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, 4, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, 4096 - block + 8, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, 4096, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(gfn, ~7u, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(in_use, 0, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(none, 0, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(bits, 0);
    EXPECT_EQ(hypercall_evtchn_expand_array(gfn), -XEN_EOPNOTSUPP);
    platform_page_free(page);
}

/* --- the hypercall itself ------------------------------------------------------------------- */

TEST(evtchnop_unknown)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = 1 };
    long unknown = in_pv_shim() ? -XEN_EOPNOTSUPP : -XEN_ENOSYS;

    EXPECT_EQ(test_evtchn_op(EVTCHNOP_status, &status), 0);
    EXPECT_EQ(test_evtchn_op(0x3000, &status), unknown);
    EXPECT_EQ(test_evtchn_op(~0u, &status), unknown);
    EXPECT_EQ(test_evtchn_op(EVTCHNOP_status, NULL), -XEN_EFAULT);
}
