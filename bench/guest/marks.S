/* SPDX-License-Identifier: MIT */
/* Where a sample begins and ends. */
        .text
        .globl bench_begin
        .type bench_begin, @function
bench_begin:
        ret
        .size bench_begin, . - bench_begin

        .globl bench_end
        .type bench_end, @function
bench_end:
        ret
        .size bench_end, . - bench_end

        .section .note.GNU-stack, "", @progbits
