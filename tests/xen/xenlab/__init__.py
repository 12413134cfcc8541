# SPDX-License-Identifier: MIT
"""xenlab: a real Xen, its dom0 and xl, brought up in QEMU to run our guests.

The machinery behind tests/xen/run, tests/xen/fetch and tests/xen/suite. Only
Python's standard library is used, so that a bare Debian can run it.
"""
