# SPDX-License-Identifier: MIT
"""What the guest said and what the plugin wrote, put together: rows of figures."""

import re
import statistics

# In the order of struct counts in bench/plugin/count.c.
FIELDS = ('instructions', 'locked', 'branches', 'indirect', 'fp', 'hypercalls', 'xen')
REPEAT = 5              # BENCH_REPEAT of bench/guest/bench.h; one more is not printed
SHARE = 64              # EVTCHN_SHARE_DEFAULT


class Mismatch(Exception):
    """The two do not go together; the message says what there is."""


def _vector(numbers):
    return dict(zip(FIELDS, numbers))


def _read(lines):
    """Each region with the upcalls in it, and the flights."""
    upcalls, regions, flights = {}, [], []
    for line in lines:
        what, cpu, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        if what == 'upcall':
            upcalls.setdefault(cpu, []).append(numbers)
        elif what == 'region':
            regions.append((numbers, upcalls.pop(cpu, [])))
        elif what == 'flight':
            flights.append(numbers)
    return regions, flights


def entries_to_main(lines):
    """What was executed before main(), by the first on each CPU, in the order in which they came there."""
    boots = {}
    for line in lines:
        what, cpu, *numbers = line.split()
        if what == 'boot':
            boots.setdefault(cpu, _vector([int(n) for n in numbers]))
    return list(boots.values())


def _row(samples):
    """The median of the samples, and how far they lie apart."""
    median = [int(statistics.median(n)) for n in zip(*samples)]
    return _vector(median) | {'spread': max(s[0] for s in samples) - min(s[0] for s in samples)}


def _sampled(said, regions):
    rows = re.findall(r'sample (\S+) (\S+) (\d+)', said)
    if len(rows) % REPEAT or len(regions) != len(rows) // REPEAT * (REPEAT + 1):
        raise Mismatch(f'{len(rows)} samples and {len(regions)} regions do not go together')
    for i in range(len(rows) // REPEAT):
        row, what, number = rows[i * REPEAT]
        samples = regions[i * (REPEAT + 1) + 1:(i + 1) * (REPEAT + 1)]      # the first one warms up
        has_upcall = all(upcalls for _, upcalls in samples) and row != 'send-to-handler'
        yield f'{row} {number} {what}', _row([[sum(n) for n in zip(*upcalls)] if has_upcall else numbers
                                              for numbers, upcalls in samples])


def _percentiles(numbers):
    numbers = sorted(numbers)
    at = {f'p{part}': numbers[-(-len(numbers) * part // 100) - 1] for part in (50, 90, 99)}
    return at | {'max': numbers[-1]}


def _storm(ports, samples):
    """Of each sample how many deliveries of others came before, and its counts; the first one warms up."""
    deliveries, instructions, xen = zip(*((before, counts[0], counts[-1]) for before, counts in samples[1:]))
    return {'ports': ports, 'samples': len(deliveries), 'deliveries': _percentiles(deliveries),
            'instructions': _percentiles(instructions), 'xen': _percentiles(xen), 'all': [*zip(deliveries, instructions)]}


def _flown(said, flights):
    """The rows of flights between VCPUs and domains, and the storms."""
    names = re.findall(r'flight (\S+) (\S+) (\d+)', said)
    if len(names) != len(flights):
        raise Mismatch(f'{len(names)} of {len(flights)} flights have a name')
    samples = {}
    for (row, what, number), counts in zip(names, flights):
        samples.setdefault((row, what), []).append((int(number), counts))
    rows = {f'{row} 1 {what}': _row([counts for _, counts in found[1:]])
            for (row, what), found in samples.items() if what == 'events'}
    storm = re.search(r'value storm (\d+)', said)
    storms = {row: _storm(int(storm.group(1)), found) for (row, what), found in samples.items() if what == 'deliveries'}
    return rows, storms


def _subtract(rows):
    """From regions what the marks themselves take."""
    nothing = rows.pop('nothing 1 calls', None)
    for key, row in rows.items():
        if nothing and key.endswith(' 1 calls'):
            row['instructions'] -= nothing['instructions']


def match(said, lines):
    regions, flights = _read(lines)
    rows = dict(_sampled(said, regions))
    flown, storms = _flown(said, flights)
    if not rows and not flown and not storms:
        raise Mismatch('the guest named no row')
    _subtract(rows)
    values = {name: int(value) for name, value in re.findall(r'value (\S+) (\d+)', said)}
    for row in (*rows.values(), *flown.values()):
        # Saved by one instruction, restored by another.
        row['fp-bytes'] = row['fp'] // 2 * values.get('fp-bytes', 0)
    return {'rows': rows | flown, 'storms': storms, 'values': values}


def wall(said):
    """Nanoseconds for each event: the median of the rounds and their quartiles."""
    rows = {}
    for row, number, events, ns in re.findall(r'wall (\S+) (\d+) (\d+) (\d+)', said):
        rows.setdefault(f'{row} {number} events', []).append(int(ns) / int(events))
    if not rows:
        raise Mismatch('the guest took no wall time')
    return {row: dict(zip(('low', 'median', 'high'), statistics.quantiles(ns, n=4))) for row, ns in rows.items()}
