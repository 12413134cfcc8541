# SPDX-License-Identifier: MIT
"""What the static checks share: one line a check, and what there is to look at."""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_scratch = tempfile.TemporaryDirectory(prefix='xenlet-check-')
_number = itertools.count()


def output(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, capture_output=True, **options).stdout


def builds(arguments):
    """The directories to look at: those named, or each compiler's."""
    found = [Path(a) for a in arguments] or [p for p in (ROOT / 'build/gcc', ROOT / 'build/clang') if p.is_dir()]
    if not found:
        sys.exit('error: nothing is built: `make build` first')
    return found


def compiled(source, *flags, suffix='.c'):
    """An object made of `source` on the fly, for a check to be tested with."""
    path = Path(_scratch.name) / f'{next(_number)}{suffix}'
    path.write_text(source)
    made = path.with_suffix('.o')
    output('gcc', '-O2', '-ffreestanding', '-fno-pic', *flags, '-c', path, '-o', made)
    return made


def report(results):
    """Print a line for each (name, list of violations); returns the exit status."""
    bad = 0
    for name, violations in results:
        if violations:
            bad += 1
            more = f' (and {len(violations) - 1} more)' if len(violations) > 1 else ''
            print(f'FAIL {name}: {violations[0]}{more}')
            for violation in violations[1:20]:
                print(f'     {violation}', file=sys.stderr)
        else:
            print(f'ok   {name}')
    return 1 if bad else 0


def selftest(cases):
    """`cases` are (what, violations found, whether there had to be one). A list of what was wrong."""
    return [f'{what}: ' + ('not noticed' if wanted else f'reported without reason: {found[0]}')
            for what, found, wanted in cases if bool(found) != wanted]
