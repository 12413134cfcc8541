# SPDX-License-Identifier: MIT
"""The ways a run can end, each with its own exit status."""

import enum


class Outcome(enum.Enum):
    SUCCESS = 0
    SKIP = 3
    ERROR = 4
    FAILURE = 5
    CRASH = 6
    TIMEOUT = 7
    NO_VERDICT = 8
    UNEXPECTED_SKIP = 9

    def __str__(self):
        return self.name.replace('_', ' ')


def by_name(text):
    return Outcome[text.upper().replace(' ', '_').replace('-', '_')]
