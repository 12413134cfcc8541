# SPDX-License-Identifier: MIT
"""How every command of ours starts and ends: errors as one message, Ctrl-C quietly."""

import signal
import subprocess
import sys

from .errors import LabError

EXIT_ERROR = 2             # the lab itself failed; the guest's outcomes have their own codes
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def start(command):
    """Run command(arguments) as the program; it returns the exit status."""
    # Ended from outside, we still end our own children and tidy up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        sys.exit(command(sys.argv[1:]))
    except LabError as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except subprocess.CalledProcessError as error:
        print(f'error: {error.cmd[0]} failed with status {error.returncode}', file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
