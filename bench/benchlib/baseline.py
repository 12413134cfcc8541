# SPDX-License-Identifier: MIT
"""The guard: figures that were accepted, for each compiler, and whether these are worse."""

import json
import re

from . import goals
from .count import ROOT

PATH = ROOT / 'bench' / 'baseline.json'
GROWTH = 1.03


def _compiler(results):
    """gcc-12: what a compiler makes of the sources changes with its major version."""
    name = 'clang' if 'clang' in results['compiler'] else 'gcc'
    version = re.search(r'[ -](\d+)[.]', results['compiler']).group(1)
    return f'{name}-{version}'


def _figures(results):
    return {boot: {row: {k: v[k] for k in ('instructions', 'locked', 'hypercalls')} for row, v in r['rows'].items()}
            | {'entry to main': {'instructions': v['instructions']} for v in r['entry-to-main'].values()}
            for boot, r in results['boots'].items()}


def _load():
    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    known.pop('about', None)
    return known


def _object(members, indent):
    """Its text, a member a line; those below the third level in one line each."""
    lines = [f'{" " * indent}{json.dumps(k)}: {_object(v, indent + 1) if indent < 3 else json.dumps(v, sort_keys=True)}'
             for k, v in sorted(members.items())]
    return '{\n' + ',\n'.join(lines) + '}'


def update(results):
    known = _load()
    known.setdefault(_compiler(results), {}).update(_figures(results))     # those of other boots stay
    text = _object(known, 1)
    PATH.write_text('{"about": "SPDX-License-Identifier: MIT",' + text[1:] + '\n')
    print(f'{PATH.relative_to(ROOT)}: new figures for {_compiler(results)}')
    return 0


def _compare(old, new):
    """What is worse, missing or new, in words; and how many figures were looked at."""
    bad, looked = [], 0
    for boot, rows in new.items():
        for row in sorted(set(rows) | set(old.get(boot, {}))):
            was, now = old.get(boot, {}).get(row), rows.get(row)
            if was is None or now is None:
                bad.append(f'{boot}: {row}: {"not in the baseline" if was is None else "no longer measured"}')
                continue
            for name, value in now.items():
                looked += 1
                if value > was[name] * GROWTH:
                    bad.append(f'{boot}: {row}: {name}: {was[name]} -> {value}')
    return bad, looked


def check(results):
    compiler, known = _compiler(results), _load()
    missed = [text for holds, text in goals.judge(results) if not holds]
    bad = [text for text in missed if compiler in known or not goals.is_tight(text)]
    for text in missed:
        if text not in bad:
            print(f'not held by this compiler: {text}')
    if compiler in known:
        more, looked = _compare(known[compiler], _figures(results))
        bad += more
        print(f'{looked} figures compared with those of {compiler}')
    else:
        print(f'no figures of {compiler} in {PATH.relative_to(ROOT)} (there are: {", ".join(known) or "none"}): '
              'only the goals were looked at')
    for line in bad:
        print(f'FAIL {line}')
    if bad:
        print('what grew on purpose is accepted by `bench/run --update`, with the reason in docs/performance.md')
    return 1 if bad else 0
