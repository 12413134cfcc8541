# SPDX-License-Identifier: MIT
"""What an event costs elsewhere: guest instructions, by ABI, counted in the same way with the same plugin interface
under Xen 4.17 (64 ports of EVTCHNOP_bind_ipi, handlers that only count, one VCPU). Not measured again by bench/run."""

PEERS = {
    'mini-os -O3': {'one': {'2l': 150}, 'each': {'2l': 36}},
    'Linux 6.1': {'one': {'2l': 1088, 'fifo': 945}, 'each': {'2l': 612, 'fifo': 683}},
}
