# SPDX-License-Identifier: MIT
"""Packages of any Debian release, without root and without touching the system.

apt works here on folders of its own: package lists, downloads and sources lie
below build/cache/apt/<suite>. The sources are the machine's own, with the
release's name replaced, so that a local mirror or proxy is used for all.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import debian, paths
from .errors import LabError

_LISTS_STAY_FRESH = 24 * 3600      # seconds; a 404 refreshes them sooner
_HELPER = '/usr/lib/apt/apt-helper'
_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'


def _deb822_entries(text):
    for block in re.split(r'\n\s*\n', text):
        fields = dict(re.findall(r'^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)', block, re.M))
        if 'deb' in fields.get('Types', '').split() and fields.get('Enabled', 'yes') != 'no':
            yield (fields.get('URIs', '').split(), fields.get('Suites', '').split(),
                   fields.get('Signed-By', '').strip())


def _one_line_entries(text):
    for line in text.splitlines():
        found = re.match(r'\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s', line)
        if found:
            signed = re.search(r'signed-by=(\S+)', found.group(1) or '')
            yield [found.group(2)], [found.group(3)], signed.group(1) if signed else ''


def _host_entries():
    folder = Path('/etc/apt/sources.list.d')
    for file in sorted(folder.glob('*.sources')):
        yield from _deb822_entries(file.read_text(errors='replace'))
    for file in [Path('/etc/apt/sources.list'), *sorted(folder.glob('*.list'))]:
        if file.exists():
            yield from _one_line_entries(file.read_text(errors='replace'))


def _sources(suite, kind='deb'):
    """The machine's Debian sources, for `suite`; `kind` is deb or deb-src."""
    host = debian.host_suite() or 'stable'
    ours = re.compile(rf'({re.escape(host)}|stable)(-updates|-security)?$')
    out = []
    for uris, suites, signed in _host_entries():
        suites = [suite + (m.group(2) or '') for m in map(ours.match, suites) if m]
        if uris and suites:
            out.append('Types: {}\nURIs: {}\nSuites: {}\nComponents: main\nSigned-By: {}\n'.format(
                kind, ' '.join(uris), ' '.join(dict.fromkeys(suites)), signed or _KEYRING))
    if not out:
        raise LabError(f'/etc/apt names no archive of Debian {host}: add one to /etc/apt/sources.list.d')
    return '\n'.join(out)


def _without_hosts(text):
    """Error text names packages and files, not the machines they come from."""
    text = re.sub(r'\[IP: [^\]]*\]', '', text)
    text = re.sub(r'\b[a-z0-9+]+://\S*/', '', text)
    host = r"'?[\w.:-]+'?(?: \([^)]*\))?"
    return re.sub(rf'((?:connect(?:ion)? to|resolve|resolving|from) ){host}', r'\1the archive', text)


class Apt:
    """One release's packages; the caller holds a lock on `folder`.

    The index of source packages is large and needed by few: it has a folder of its own.
    """

    def __init__(self, suite, progress, kind='deb', architecture='amd64'):
        self.suite = suite
        self.progress = progress
        self.kind, self.architecture = kind, architecture
        variant = [kind] * (kind != 'deb') + [architecture] * (architecture != 'amd64')
        self.folder = paths.CACHE / 'apt' / '-'.join([suite, *variant])

    def _command(self, tool, *arguments):
        folder = self.folder
        options = {
            'Dir::Etc::sourcelist': '/dev/null',
            'Dir::Etc::sourceparts': folder / 'sources',
            'Dir::Etc::preferencesparts': folder / 'none',
            'Dir::State::Lists': folder / 'lists',
            'Dir::State::status': folder / 'status',
            'Dir::Cache': folder / 'cache',
            'APT::Architecture': self.architecture,
            'APT::Architectures': self.architecture,
            'APT::Sandbox::User': '',
            'Acquire::Languages': 'none',
            'Acquire::Retries': '3',
            'Acquire::http::Timeout': '30',
        }
        for tool_needed in ('apt-get', 'dpkg-deb'):
            if not shutil.which(tool_needed):
                raise LabError(f'{tool_needed} is not on this machine: the lab needs Debian packages')
        return [tool, *(f'-o{key}={value}' for key, value in options.items()), *arguments]

    def _run(self, tool, *arguments, cwd=None):
        return subprocess.run(self._command(tool, *arguments), cwd=cwd, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors='replace', env=_environment())

    def _lists_are_fresh(self):
        stamp = self.folder / 'updated'
        return stamp.exists() and time.time() - stamp.stat().st_mtime < _LISTS_STAY_FRESH

    def update(self):
        """Read the release's package index."""
        self.progress.say(f'reading the package index of Debian {self.suite}')
        for name in ('sources', 'none', 'lists/partial', 'cache/archives/partial'):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / 'status').touch()
        (self.folder / 'sources' / 'debian.sources').write_text(_sources(self.suite, self.kind))
        done = self._run('apt-get', 'update')
        if done.returncode or 'Failed to fetch' in done.stderr:
            raise LabError(f'the package index of Debian {self.suite} cannot be fetched:\n'
                           + _without_hosts(done.stderr).strip())
        (self.folder / 'updated').touch()

    def kernel_package(self):
        """The newest generic kernel, by its full package name."""
        meta = debian.KERNEL_METAPACKAGE
        found = re.search(r'Depends: (linux-image-\S+)',
                          self._run('apt-cache', 'depends', meta).stdout)
        if not found:
            raise LabError(f'the package {meta} of Debian {self.suite} cannot be found')
        return found.group(1)

    def header_packages(self, kernel):
        """With what modules for the kernel in the package `kernel` are built."""
        headers = kernel.replace('linux-image-', 'linux-headers-')
        depends = re.findall(r'Depends: (linux-(?:headers|kbuild)-\S+)', self._run('apt-cache', 'depends', headers).stdout)
        if not depends:
            raise LabError(f'the package {headers} of Debian {self.suite} cannot be found')
        return [headers, *depends]

    def download_source(self, package, folder):
        """Fetch the source of `package` into the new folder `folder`, in a version that the archive still has."""
        if not self._lists_are_fresh():
            self._update_if_possible()
        shown = self._run('apt-cache', 'showsrc', '--only-source', package).stdout
        versions = dict.fromkeys(re.findall(r'^Version: (\S+)', shown, re.M))
        said = [f'the index has no source package {package}']
        for version in versions:
            self.progress.say(f'downloading the source of {package} {version}')
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            done = self._run('apt-get', 'source', '--download-only', f'{package}={version}', cwd=folder)
            if done.returncode == 0:
                return version
            said = _without_hosts(done.stderr).strip().splitlines()
            self.progress.say(f'{package} {version}: {said[-1] if said else "apt-get failed"}')
        raise LabError(f'no version of the source package {package} of Debian {self.suite} can be fetched:\n'
                       + '\n'.join(said))

    def download(self, choose, folder):
        """Fetch the packages `choose(self)` names into `folder`; returns their files."""
        if not self._lists_are_fresh():
            self._update_if_possible()
        try:
            return self._download(choose(self), folder)
        except LabError as first:
            # The index may name versions that the archive has replaced since.
            try:
                self.update()
            except LabError:
                raise first from None
            return self._download(choose(self), folder)

    def upstream_source(self, package, folder):
        """Fetch the upstream tarball of a source package, all that some need, into `folder`."""
        if not self._lists_are_fresh():
            self._update_if_possible()
        done = self._run('apt-get', 'source', '--download-only', '--print-uris', package)
        found = re.search(r"^'(\S+)' (\S+\.orig\.tar\.\w+) (\d+) (SHA\w+:\S+)$", done.stdout, re.M)
        if not found:
            raise LabError(f'Debian {self.suite} has no source package {package}\n' + _without_hosts(done.stderr).strip())
        uri, name, size, checksum = found.groups()
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_complete(folder / name, int(size)):
            done = self._run(_HELPER, 'download-file', uri, folder / name, checksum)
            if done.returncode:
                (folder / name).unlink(missing_ok=True)
                raise LabError(f'the source of {package} in Debian {self.suite} cannot be fetched:\n'
                               + _without_hosts(done.stderr).strip())
        return folder / name

    def _update_if_possible(self):
        """An old index is better than none: it may be all that is needed."""
        try:
            self.update()
        except LabError as error:
            if not (self.folder / 'updated').exists():
                raise
            self.progress.say(str(error).splitlines()[0].rstrip(':') + '; going on with the old one')

    def _download(self, packages, folder):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = self._files_of(packages)
        sizes = {name: size for name, size in wanted.values()}
        missing = [p for p, (name, size) in wanted.items()
                   if not _is_complete(folder / name, size)]
        if missing:
            total = sum(wanted[p][1] for p in missing)
            self.progress.say(f'downloading {len(missing)} packages of Debian {self.suite} '
                              f'({total / 1e6:.0f} MB)')
            self._fetch(missing, folder, sizes, total)
        gone = [p for p, (name, size) in wanted.items() if not _is_complete(folder / name, size)]
        if gone:
            raise LabError('these packages could not be downloaded: ' + ' '.join(gone))
        return [folder / name for name in sizes]

    def _files_of(self, packages):
        """{package: (file name, size)} of what apt would download."""
        done = self._run('apt-get', 'download', '--print-uris', *packages)
        found = re.findall(r"^'\S+' (\S+) (\d+)", done.stdout, re.M)
        by_package = {name.split('_')[0]: (name, int(size)) for name, size in found}
        unknown = [p for p in packages if p not in by_package]
        if unknown:
            raise LabError(f'Debian {self.suite} has no package {" ".join(unknown)}\n'
                           + _without_hosts(done.stderr).strip())
        return by_package

    def _fetch(self, packages, folder, sizes, total):
        with open(self.folder / 'errors', 'w+', errors='replace') as errors:
            child = subprocess.Popen(self._command('apt-get', 'download', *packages), cwd=folder,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=errors, env=_environment())
            try:
                self._watch(child, folder, sizes, total)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
            if child.returncode:
                errors.seek(0)
                gone = [p for p in packages if not any(n.startswith(p + '_') and
                        _is_complete(folder / n, s) for n, s in sizes.items())]
                raise LabError(f'could not fetch {" ".join(gone or packages)}:\n'
                               + _without_hosts(errors.read()).strip())

    def _watch(self, child, folder, sizes, total):
        before = _bytes_in(folder, sizes)
        while True:
            try:
                child.wait(timeout=3)
                return
            except subprocess.TimeoutExpired:
                here = _bytes_in(folder, sizes) - before
                self.progress.say(f'  {here / 1e6:.0f} of {total / 1e6:.0f} MB')


def _bytes_in(folder, names):
    return sum((folder / n).stat().st_size for n in names if (folder / n).exists())


def _is_complete(file, size):
    return file.exists() and file.stat().st_size == size


def _environment():
    return dict(os.environ, LC_ALL='C.UTF-8', DEBIAN_FRONTEND='noninteractive')
