/* SPDX-License-Identifier: MIT */
/* Where a sample, and a flight, begins and ends. */
.macro MARK name
        .globl \name
        .type \name, @function
\name:
        ret
        .size \name, . - \name
.endm

        .text
        MARK    bench_begin
        MARK    bench_end
        MARK    bench_depart
        MARK    bench_sent

/* A handler: count, and have arrived. */
        .globl bench_arrival
        .type bench_arrival, @function
bench_arrival:
        incl    bench_arrivals(%rip)
        MARK    bench_arrived
        .size bench_arrival, . - bench_arrival

/* Until bench_arrivals is `edi`. QEMU counts nothing here. */
        .globl bench_spin
        .type bench_spin, @function
bench_spin:
        pause
        cmp     %edi, bench_arrivals(%rip)
        jne     bench_spin
        .globl bench_spin_end
bench_spin_end:
        ret
        .size bench_spin, . - bench_spin

        .section .note.GNU-stack, "", @progbits
