# SPDX-License-Identifier: MIT
"""Charts of the figures, SVG and PNG, by gnuplot."""

import subprocess

from . import peers
from .count import OUT, ROOT, BenchError

_ABI = {'2l': '2-level', 'fifo': 'FIFO', '3l': '3-level'}
_TERMINALS = (('svg', 'svg size 900,480 enhanced font "sans,13" background "white"'),
              ('png', 'pngcairo size 900,480 enhanced font "sans,11"'))
_COMMON = '''set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set rmargin 6
set key outside top center horizontal
'''


def _bars(title, unit, names, columns, scale='set logscale y\nset yrange [5:*]'):
    """Groups of bars: `columns` is [(name, [a value for each of `names`])]; one without any value is left out."""
    columns = [(name, values) for name, values in columns if any(values)]
    lines = ['$data << EOD']
    for i, name in enumerate(names):
        lines.append(f'"{name}" ' + ' '.join(str(values[i]) if values[i] else 'NaN' for _, values in columns))
    lines += ['EOD', f'set title "{title}"', f'set ylabel "{unit}"', scale,
              'set style data histograms', 'set style histogram clustered gap 1', 'set style fill solid 0.8 border -1',
              'set boxwidth 0.9', 'set xtics rotate by 0']
    plots = [f'$data using {i + 2}:xtic(1) title "{name}"' for i, (name, _) in enumerate(columns)]
    labels = [f'$data using ($0-{(len(columns) - 1) / 2 - i:.2f}/{len(columns) + 1}.0):{i + 2}:{i + 2} '
              'with labels offset 0,0.6 font ",9" notitle' for i in range(len(columns))]
    return '\n'.join([*lines, 'plot ' + ', '.join(plots + labels)])


def _lines(title, unit, series, scale='set yrange [0:*]'):
    """Lines over the number of ports: `series` is [(name, [(ports, value)])]."""
    lines = []
    for i, (_, points) in enumerate(series):
        lines += [f'$s{i} << EOD', *(f'{x} {y}' for x, y in points), 'EOD']
    lines += [f'set title "{title}"', f'set ylabel "{unit}"', 'set xlabel "ports bound"', 'set logscale x',
              'set format x "%\'.0f"', scale]
    plots = [f'$s{i} using 1:2 with linespoints lw 2 pt 7 title "{name}"' for i, (name, _) in enumerate(series)]
    return '\n'.join([*lines, 'plot ' + ', '.join(plots)])


def _distribution(title, unit, series):
    """How many of the samples are at most so large: `series` is [(name, samples)]."""
    lines = []
    for i, (_, samples) in enumerate(series):
        # A logarithm of 0 would not be shown.
        points = [f'{max(x, 0.5)} {100 * n / len(samples):.2f}' for n, x in enumerate(sorted(samples), 1)]
        lines += [f'$s{i} << EOD', f'{points[0].split()[0]} 0', *points, 'EOD']
    lines += [f'set title "{title}"', f'set xlabel "{unit}"', 'set ylabel "% of samples"', 'set logscale x',
              'set yrange [0:102]', 'set format x "%\'.0f"',
              'set xrange [0.4:*]\nset xtics add ("0" 0.5)' if min(map(min, (s for _, s in series))) == 0 else 'set xrange [10:*]']
    plots = [f'$s{i} using 1:2 with steps lw 2 title "{name}"' for i, (name, _) in enumerate(series)]
    return '\n'.join([*lines, 'plot ' + ', '.join(plots)])


def _stacks(title, unit, names, columns):
    """The same names, a bar each, of parts one on the other."""
    lines = ['$data << EOD', *(f'"{name}" ' + ' '.join(str(values[i]) for _, values in columns) for i, name in enumerate(names)),
             'EOD', f'set title "{title}"', f'set ylabel "{unit}"', 'set yrange [0:*]', 'set style data histograms',
             'set style histogram rowstacked', 'set style fill solid 0.8 border -1', 'set boxwidth 0.6', 'set xtics font ",9"', 'set bmargin 4']
    plots = [f'$data using {i + 2}:xtic(1) title "{name}"' for i, (name, _) in enumerate(columns)]
    return '\n'.join([*lines, 'plot ' + ', '.join(plots)])


def _draw(name, script):
    for suffix, terminal in _TERMINALS:
        path = OUT / f'{name}.{suffix}'
        text = f'set terminal {terminal}\nset output "{path}"\n{_COMMON}{script}\n'
        try:
            done = subprocess.run(['gnuplot', '-'], input=text, text=True, capture_output=True)
        except FileNotFoundError as error:
            raise BenchError('there is no gnuplot: `make bench` installs it') from error
        if done.returncode:
            raise BenchError(f'gnuplot cannot draw {name}: {done.stderr.strip()}')
        print(f'chart: {path.relative_to(ROOT)}')


def _label(value):
    return f'{value:.0f}' if value == int(value) or value >= 100 else f'{value:.1f}'


def _upcalls(results):
    boots = results['boots']
    ours = {abi: boots[abi]['rows'] for abi in ('2l', 'fifo', '3l') if abi in boots}
    for key, events, title in (('one', 1, 'One event: from the callback to the iretq'),
                               ('each', 64, 'Each of 64 events in one upcall')):
        names, values = [], {'floor': [], 'xenlet': []}
        for abi, rows in ours.items():
            names.append(_ABI[abi])
            values['floor'].append(_label(rows[f'floor-{abi} {events} events']['instructions'] / events))
            values['xenlet'].append(_label(rows[f'upcall {events} events']['instructions'] / events))
            for peer, instructions in peers.figures(results, f'upcall {events} events', abi):
                values.setdefault(peer, []).append(instructions and _label(instructions / events))
        if names:
            _draw(f'upcall-{key}', _bars(title, 'guest instructions', names, list(values.items())))


def _growth(boots):
    for row, events, title in (('bound-one', 1, 'One event'), ('bound-together', 64, 'Each of 64 events that lie together'),
                               ('bound-apart', 64, 'Each of 64 events that lie far apart')):
        series = []
        for boot, result in boots.items():
            points = sorted((int(key.split()[1]), value['instructions'] / events)
                            for key, value in result['rows'].items() if key.startswith(row + ' '))
            if points:
                series.append((_ABI[result['abi']] + (', all ports' if boot.endswith('-all') else ''), points))
        if series:
            _draw(f'growth-{row[6:]}', _lines(f'{title}, by how many ports are bound', 'guest instructions', series))


def _growth_beside(results):
    """One event each in 64 that lie far apart, ours and the peers'."""
    def points(rows):
        return sorted((int(key.split()[1]), row['instructions'] / 64) for key, row in rows.items() if key.startswith('bound-apart '))

    series = [(f'{name}, {_ABI[abi]}', points(result['rows'])) for name, abi, result in peers.everyone(results)]
    series = [(name, found) for name, found in series if found]
    if series:
        _draw('growth-beside', _lines('Each of 64 events that lie far apart, by how many ports are bound',
                                      'guest instructions', series, 'set logscale y\nset yrange [10:2000]'))


def _storms(boots):
    series = []
    for boot in boots.values():
        for row, storm in boot['storms'].items():
            what = 'a quiet port' if row == 'storm-quiet' else 'priority 0'
            series.append((f'{_ABI[boot["abi"]]}, {what}', storm['all'], storm['ports']))
    if series:
        ports = series[0][2]
        for i, (name, unit) in enumerate((('deliveries', 'deliveries of others before its own'),
                                          ('instructions', 'guest instructions from the send to the handler'))):
            _draw(f'storm-{name}', _distribution(f'A port that is raised while {ports:,} others storm', unit,
                                                 [(title, [sample[i] for sample in samples]) for title, samples, _ in series]))


# Where the handler is, and which row of which boot says so: of 2-level, FIFO and 3-level.
_SENDS = (('same\\nVCPU', '{abi}-4cpu', 'send-to-handler'), ('busy\\nVCPU', '{abi}-4cpu', 'send-to-busy-vcpu'),
          ('sleeping\\nVCPU', '{abi}-4cpu', 'send-to-sleeping-vcpu'), ('sleeping\\ndomain', 'domains', 'send-to-{abi}-domain'))


def _sends(boots):
    names, guest, xen = [], [], []
    for where, boot, row in _SENDS:
        for abi in _ABI:
            rows = boots.get(boot.format(abi=abi), {'rows': {}})['rows']
            if found := rows.get(f'{row.format(abi=abi)} 1 events') or rows.get(f'{row.format(abi=abi)} 1 calls'):
                names.append(f'{_ABI[abi]}\\n{where}')
                guest.append(found['instructions'])
                xen.append(found['xen'])
    if names:
        _draw('sends', _stacks('From a send to the end of the handler', 'instructions', names, [('guest', guest), ("Xen's", xen)]))


def _wall(wall):
    """Millions of events in a second, of upcalls with 64."""
    columns = {name: [1e3 / rows[f'{row} 64 events']['median'] for rows in wall.values()]
               for name, row in (('floor', 'floor'), ('xenlet', 'upcall'))}
    if wall:
        _draw('wall', _bars('64 events in an upcall, in this run on this machine under emulation', 'million events a second',
                            [_ABI[abi] for abi in wall], [(name, [round(v, 1) for v in values]) for name, values in columns.items()],
                            'set yrange [0:*]'))


def draw(results):
    _upcalls(results)
    _growth(results['boots'])
    _growth_beside(results)
    _storms({name: boot for name, boot in results['boots'].items() if name.endswith('-storm')})
    _sends(results['boots'])
    _wall(results['wall'])
