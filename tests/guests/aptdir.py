"""Fetches Debian packages of any architecture and suite, without root.

It stands on apt's own configuration (sources, proxies, keys), through a
private apt directory: lists, state and cache live in the user's cache folder,
and the configured Debian sources are rewritten for the wanted suite.  Sources
of others than Debian are left out, and a pin refuses whatever is not Debian's.

See sources.list(5), apt.conf(5) and apt_preferences(5).
Missing: cdrom: sources; a machine without apt.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

# Names that a Debian source may bear.  Pockets that hold no releases of their
# own (-backports, -proposed-updates) are not followed.
SUITE_NAMES = {
    'stretch', 'buster', 'bullseye', 'bookworm', 'trixie', 'forky', 'duke',
    'sid', 'unstable', 'testing', 'stable', 'oldstable', 'oldoldstable',
}
POCKETS = {'', '-updates', '-security', '/updates'}

APT_CONF = '''\
Dir::State "{top}/state";
Dir::State::lists "{top}/lists";
Dir::State::status "{top}/status";
Dir::State::extended_states "{top}/extended_states";
Dir::Cache "{top}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "{top}/log";
Dir::Etc::sourcelist "{top}/private.sources";
Dir::Etc::sourceparts "{top}/none";
Dir::Etc::preferences "{top}/preferences";
Dir::Etc::preferencesparts "{top}/none";
APT::Architecture "{arch}";
#clear APT::Architectures;
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
'''

PREFERENCES = '''\
Package: *
Pin: release o=Debian
Pin-Priority: 500

Package: *
Pin: release o=*
Pin-Priority: -1
'''


class FetchError(Exception):
    """One line for the user: what failed and what would help."""


def cache_root():
    """The project's folder in the user's cache; created on demand."""
    base = os.environ.get('XDG_CACHE_HOME', '')
    # The base directory specification: a relative path is to be ignored.
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser('~'), '.cache')
    root = pathlib.Path(base) / 'emu'
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise FetchError(f'cannot create the cache folder {root}: '
                         f'{err.strerror}; set XDG_CACHE_HOME') from err
    return root


class Lock:
    """Holds an exclusive lock on a file of the cache while in scope."""

    def __init__(self, path, say=None):
        self.path = path
        self.say = say
        self.handle = None

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.handle = open(self.path, 'a')
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self.say:
                self.say('waiting for another fetch to finish')
            fcntl.flock(self.handle, fcntl.LOCK_EX)
        return self

    def __exit__(self, *unused):
        self.handle.close()


def replace_file(path, data):
    """Writes bytes to path so that a reader sees the old or the new file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix='.new-')
    try:
        with os.fdopen(handle, 'wb') as out:
            out.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# --- sources ---------------------------------------------------------------

def parse_deb822(text):
    """Yields each stanza of a .sources file as {lower-case field: value}."""
    stanza, last = {}, None
    for line in text.splitlines() + ['']:
        if line.startswith('#'):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, last = {}, None
        elif line[0] in ' \t':
            if last:
                stanza[last] += '\n' + line
        elif ':' in line:
            name, value = line.split(':', 1)
            last = name.strip().lower()
            stanza[last] = value.strip()


def parse_one_line(text):
    """Yields each entry of a .list file in the shape of parse_deb822()."""
    pattern = re.compile(r'^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?'
                         r'(\S+)\s+(\S+)((?:\s+\S+)*)\s*$')
    for line in text.splitlines():
        match = pattern.match(line.split('#', 1)[0].strip())
        if not match:
            continue
        kind, options, uri, suite, components = match.groups()
        stanza = {'types': kind, 'uris': uri, 'suites': suite,
                  'components': ' '.join(components.split())}
        for option in (options or '').split():
            name, _, value = option.partition('=')
            if name.lower() in ('signed-by', 'trusted', 'check-valid-until'):
                stanza[name.lower()] = value
        yield stanza


def translate_suite(name, suite):
    """The configured suite's name in the wanted release, or None."""
    match = re.match(r'^([a-z]+)(.*)$', name)
    if not match or match[1] not in SUITE_NAMES or match[2] not in POCKETS:
        return None
    if suite is None:
        return name
    pocket = '-security' if match[2] == '/updates' else match[2]
    if suite in ('sid', 'unstable') and pocket:
        return None
    return suite + pocket


def is_debian(stanza):
    """Whether a stanza can be one of Debian's own archives."""
    if stanza.get('enabled', 'yes').lower() in ('no', 'false', '0'):
        return False
    if 'deb' not in stanza.get('types', '').split():
        return False
    if 'main' not in stanza.get('components', '').split():
        return False
    signed = stanza.get('signed-by', '')
    # A keyring file names its owner; a key given in place cannot be told by
    # its looks, and there the pin on the Release file's origin decides.
    return not signed.startswith('/') or 'debian-archive' in signed


def translate(stanza, suite):
    """The stanza for the private apt directory as text, or None."""
    if not is_debian(stanza):
        return None
    suites = []
    for name in stanza.get('suites', '').split():
        name = translate_suite(name, suite)
        if name and name not in suites:
            suites.append(name)
    uris = [u for u in stanza.get('uris', '').split()
            if not u.startswith('cdrom:')]
    if not suites or not uris:
        return None
    lines = ['Types: deb', 'URIs: ' + ' '.join(uris),
             'Suites: ' + ' '.join(suites), 'Components: main',
             'Targets: Packages']
    for field, name in (('signed-by', 'Signed-By'), ('trusted', 'Trusted'),
                        ('check-valid-until', 'Check-Valid-Until')):
        if field in stanza:
            lines.append(f'{name}: {stanza[field]}')
    return '\n'.join(lines) + '\n'


def configured_source_files():
    """The files that hold the machine's sources, as apt itself finds them."""
    if not shutil.which('apt-get') or not shutil.which('dpkg-deb'):
        raise FetchError('apt-get and dpkg-deb not found: '
                         'guests are fetched on Debian only')
    dump = subprocess.run(
        ['apt-config', 'shell', 'LIST', 'Dir::Etc::sourcelist/f',
         'PARTS', 'Dir::Etc::sourceparts/d'],
        capture_output=True, text=True, check=False).stdout
    values = dict(re.findall(r"^(\w+)='(.*)'$", dump, re.M))
    files = []
    if values.get('LIST'):
        files.append(pathlib.Path(values['LIST']))
    if values.get('PARTS'):
        parts = pathlib.Path(values['PARTS'])
        if parts.is_dir():
            files += sorted(p for p in parts.iterdir()
                            if p.suffix in ('.list', '.sources'))
    return [p for p in files if p.is_file()]


def translated_sources(suite):
    """The text of the private .sources file for a suite (None: as it is)."""
    stanzas = []
    for path in configured_source_files():
        try:
            text = path.read_text(errors='replace')
        except OSError:
            continue        # a source of root's alone: not for us
        parse = parse_deb822 if path.suffix == '.sources' else parse_one_line
        for stanza in parse(text):
            out = translate(stanza, suite)
            if out and out not in stanzas:
                stanzas.append(out)
    if not stanzas:
        raise FetchError("no Debian source with component 'main' in apt's "
                         'configuration: see sources.list(5)')
    return '\n'.join(stanzas)


# --- the private directory -------------------------------------------------

class AptDir:
    """A private apt directory for one suite and architecture.

    suite: a release's name, or None for the machine's own.  say: called with
    one line of progress.  Callers hold a Lock around every method.
    """

    def __init__(self, suite, arch, say):
        self.suite = suite
        self.arch = arch
        self.say = say
        self.top = cache_root() / 'apt' / f'{suite or "host"}-{arch}'
        self.updated = False
        self.prepare()

    def prepare(self):
        for folder in ('state', 'lists/partial', 'cache/archives/partial',
                       'log', 'none'):
            (self.top / folder).mkdir(parents=True, exist_ok=True)
        sources = translated_sources(self.suite)
        path = self.top / 'private.sources'
        # Lists that were fetched from other sources say nothing about these.
        if not path.exists() or path.read_text() != sources:
            shutil.rmtree(self.top / 'lists')
            (self.top / 'lists/partial').mkdir(parents=True)
            replace_file(path, sources.encode())
        conf = APT_CONF.format(top=self.top, arch=self.arch)
        replace_file(self.top / 'apt.conf', conf.encode())
        replace_file(self.top / 'preferences', PREFERENCES.encode())
        (self.top / 'status').touch()

    def run(self, tool, *args, cwd=None):
        env = dict(os.environ, LC_ALL='C', DEBIAN_FRONTEND='noninteractive')
        return subprocess.run(
            [tool, '-c', str(self.top / 'apt.conf'), '-q=2', *args],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env=env, cwd=cwd, check=False)

    def update(self):
        """Fetches the lists.  An error of one source is no error yet: what
        counts is whether the package is found in the end."""
        if self.updated:
            return
        self.say(f'reading the package lists of {self.name()}')
        result = self.run('apt-get', 'update')
        self.updated = True
        if not self.have_lists():
            raise FetchError(
                f'cannot reach the package sources for {self.name()}, '
                f'is this machine offline? {first_error(result)}')

    def name(self):
        return f'{self.suite or "this release"}/{self.arch}'

    def have_lists(self):
        return any(re.search(r'_Packages(\.\w+)?$', p.name)
                   for p in (self.top / 'lists').iterdir())

    def show(self, package):
        """The candidate's control fields as a dictionary."""
        if not self.have_lists():
            self.update()
        result = self.run('apt-cache', 'show', '--no-all-versions', package)
        fields = next(parse_deb822(result.stdout), None)
        if fields is None and not self.updated:
            self.update()
            return self.show(package)
        if fields is None:
            raise FetchError(f"no package '{package}' in {self.name()}")
        return fields

    def download(self, package, version):
        """Fetches a package's file; returns its path in the private cache."""
        folder = self.top / 'cache/download'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.say(f'fetching {package} {version}')
        result = self.run('apt-get', 'download', f'{package}={version}',
                          cwd=folder)
        found = list(folder.glob('*.deb'))
        if result.returncode or len(found) != 1:
            raise FetchError(f'cannot fetch {package} {version} of '
                             f'{self.name()}: {first_error(result)}')
        return found[0]

    def unpack(self, package):
        """Fetches and unpacks the newest version of a package, whole.
        Returns (folder, version)."""
        version = self.show(package)['version']
        folder = (cache_root() / 'packages' / self.top.name /
                  f'{package}_{version}'.replace(':', '%3a'))
        if folder.is_dir():
            return folder, version
        try:
            deb = self.download(package, version)
        except FetchError:
            # The version that old lists name may be gone from the archive.
            if self.updated:
                raise
            self.update()
            return self.unpack(package)
        unpack_deb(deb, folder)
        deb.unlink()
        return folder, version


def first_error(result):
    """The first line that apt calls an error, or what there is instead."""
    lines = [l for l in result.stderr.splitlines() if l.strip()]
    for line in lines:
        if line.startswith('E:') or line.startswith('Err'):
            return '(' + line[2:].strip() + ')'
    if lines:
        return '(' + lines[0].strip() + ')'
    return f'(status {result.returncode})'


def unpack_deb(deb, folder):
    """Unpacks a .deb into folder, which appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = tempfile.mkdtemp(dir=folder.parent, prefix='.new-')
    try:
        out = subprocess.run(['dpkg-deb', '-x', str(deb), temp],
                             capture_output=True, text=True, check=False)
        if out.returncode:
            why = out.stderr.strip().splitlines()[:1] or ['damaged?']
            raise FetchError(f'cannot unpack {deb.name}: {why[0]}')
        os.chmod(temp, 0o755)
        os.rename(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)
