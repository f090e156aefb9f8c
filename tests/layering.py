"""Checks that dependencies point one way, and who may touch the host.

    layering.py ROOT [OBJDUMP LIBRARY...]

- A folder includes only what RULES lets it: frontend -> machine -> devices
  and cpu; jit -> cpu/ir and cpu/core; base under all.  Includes are paths
  from the root, or a bare name in the same folder (or generated for it).  A
  header named *_priv.h stays in its folder.
- devices/ and cpu/ read neither the host's time nor its entropy, and open
  nothing; outside of frontend/ nothing prints or ends the process.
- The libraries have no mutable variables of file scope.

Exceptions are in ALLOWED, each with its reason; one that is no longer needed
is an error too.  Each run first proves, on a made-up tree, that every rule
can fail.
"""

import os
import re
import subprocess
import sys
import tempfile

# Folder: what it may include.
RULES = {
    'base': ('base/',),
    'devices': ('base/', 'devices/'),
    'cpu': ('base/', 'cpu/'),
    'jit': ('base/', 'cpu/ir/', 'cpu/core/', 'jit/'),
    'machine': ('base/', 'devices/', 'cpu/', 'jit/jit.h', 'machine/', 'roms/'),
    'frontend': ('base/', 'devices/', 'cpu/', 'jit/jit.h', 'machine/',
                 'frontend/'),
}

TIME_AND_ENTROPY = (
    'clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'clock', 'times',
    'ftime', 'timespec_get', 'localtime', 'localtime_r', '__rdtsc',
    '__rdtscp', '__builtin_ia32_rdtsc', '__builtin_readcyclecounter', 'rand',
    'rand_r', 'random', 'random_r', 'drand48', 'lrand48', 'mrand48', 'srand',
    'srandom', 'getrandom', 'getentropy', 'arc4random', 'arc4random_buf',
    'nanosleep', 'clock_nanosleep', 'usleep', 'sleep', 'timer_create',
    'setitimer', 'alarm', 'timerfd_create', 'uuid_generate')
HOST = (
    'open', 'openat', 'creat', 'fopen', 'fdopen', 'freopen', 'popen',
    'opendir', 'socket', 'connect', 'accept', 'system', 'fork', 'vfork',
    'execv', 'execve', 'execvp', 'execl', 'execlp', 'posix_spawn', 'getenv',
    'secure_getenv', 'setenv', 'read', 'pread', 'mkstemp', 'tmpfile')
PRINT_AND_EXIT = (
    'printf', 'vprintf', 'dprintf', 'puts', 'putchar', 'perror', 'psignal',
    'warn', 'warnx', 'err', 'errx', 'syslog', 'exit', '_exit', '_Exit',
    'quick_exit', 'abort', 'raise', 'kill')
WRITE = ('fprintf', 'vfprintf', 'fputs', 'fputc', 'putc', 'fwrite', 'write')
STREAMS = ('stdout', 'stderr', 'stdin')

# Folder: functions that it must not call.  machine/ reads and writes files
# (kernels, trees), but no standard stream.
ALL = TIME_AND_ENTROPY + HOST + PRINT_AND_EXIT + WRITE
FORBIDDEN = {
    'base': ALL,
    'devices': ALL,
    'cpu': ALL,
    'jit': ALL,
    'machine': TIME_AND_ENTROPY + PRINT_AND_EXIT,
}

# (file, function): why.
ALLOWED = {
    ('jit/common/jit.c', 'clock_gettime'): 'measures the compiler itself',
    ('base/clock.c', 'clock_gettime'): 'is the clock',
    ('base/gate.c', 'clock_gettime'): 'is the gate of the wall clock',
    ('base/gate.c', 'getrandom'): 'is the gate of entropy',
    ('base/log.c', 'clock_gettime'): 'limits lines in host time',
    ('base/log.c', 'fputs'): "writes to its owner's file",
    ('base/log.c', 'fputc'): "writes to its owner's file",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
CALL = re.compile(r'(?<![\w.])(?<!->)([A-Za-z_]\w*)[ \t\n]*\(')
# A file may have a function of its own by such a name.
OWN = re.compile(r'\bstatic\b[^;{}=()]*\b(\w+)[ \t\n]*\(')
WORD = re.compile(r'\b(' + '|'.join(STREAMS) + r')\b')


def blank(match):
    """A comment or literal as white space, its lines kept."""
    return re.sub(r'[^\n]', ' ', match.group())


def sources(root, folder):
    for path, folders, files in os.walk(os.path.join(root, folder)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(('.c', '.h')):
                full = os.path.join(path, name)
                yield os.path.relpath(full, root).replace(os.sep, '/')


class Checker:
    def __init__(self, root, rules, forbidden, allowed):
        self.root = root
        self.rules, self.forbidden = rules, forbidden
        self.allowed = allowed
        self.used = set()
        self.errors = []
        self.n_files = 0

    def error(self, name, text, position, what):
        line = text.count('\n', 0, position) + 1
        self.errors.append('%s:%d: %s' % (name, line, what))

    def check_include(self, name, text, match):
        folder, path = name.split('/')[0], match.group(2)
        quoted = match.group(1) == '"'
        first = path.split('/')[0]
        if not quoted:
            if first in self.rules and '/' in path:
                self.error(name, text, match.start(),
                           '<%s> is one of ours: "..."' % path)
            return
        if '/' not in path:
            return
        if not path.startswith(self.rules[folder]):
            self.error(name, text, match.start(),
                       '%s/ must not include "%s"' % (folder, path))
        if path.endswith('_priv.h') and \
                os.path.dirname(path) != os.path.dirname(name):
            self.error(name, text, match.start(),
                       '"%s" belongs to its folder alone' % path)

    def check_words(self, name, text):
        folder = name.split('/')[0]
        code = NOT_CODE.sub(blank, text)
        own = {m.group(1) for m in OWN.finditer(code)}
        calls = [(m.start(1), m.group(1)) for m in CALL.finditer(code)
                 if m.group(1) in self.forbidden.get(folder, ())
                 and m.group(1) not in own]
        if folder in self.forbidden:
            calls += [(m.start(), m.group()) for m in WORD.finditer(code)]
        for position, word in calls:
            # A declaration of a member or function of that name has its
            # type in front; a call has not.
            before = code[:position].rstrip()
            if re.search(r'[\w*]$', before) and \
                    not re.search(r'\b(return|else|do|case)$', before):
                continue
            if (name, word) in self.allowed:
                self.used.add((name, word))
                continue
            self.error(name, text, position,
                       '%s/ must not use %s' % (folder, word))

    def check_tree(self):
        for folder in self.rules:
            for name in sources(self.root, folder):
                with open(os.path.join(self.root, name),
                          encoding='utf-8') as f:
                    text = f.read()
                self.n_files += 1
                for match in INCLUDE.finditer(text):
                    self.check_include(name, text, match)
                self.check_words(name, text)
        for name, word in sorted(self.allowed):
            if (name, word) not in self.used:
                self.errors.append('tests/layering.py: %s does not use %s, '
                                   'yet is allowed to' % (name, word))

    def check_symbols(self, library, listing):
        """listing: what objdump -t prints of a library."""
        for line in listing.splitlines():
            fields = line.split()
            # address, flags, section, size, name
            match = re.match(r'[0-9a-f]+ (.......) (\S+)\s+([0-9a-f]+) (.*)',
                             line)
            if not match or len(fields) < 4:
                continue
            flags, section, size, symbol = match.groups()
            if 'd' in flags or int(size, 16) == 0:
                continue
            if re.match(r'\.(data|bss|tdata|tbss|sdata|sbss)(\.|$)', section) \
                    and not section.startswith('.data.rel.ro') \
                    or section == '*COM*':
                self.errors.append('%s: %s is a mutable variable (%s)'
                                   % (os.path.basename(library), symbol,
                                      section))


# What must be found in a made-up tree: file, text, part of the message.
MUST_FAIL = (
    ('devices/a.c', '#include "cpu/core/cpu.h"\n', 'must not include'),
    ('cpu/core/a.c', '  # include "devices/device.h"\n', 'must not include'),
    ('base/a.h', '#include "machine/machine.h"\n', 'must not include'),
    ('jit/x86_64/a.c', '#include "cpu/riscv/riscv.h"\n', 'must not include'),
    ('machine/a.c', '#include "frontend/cli.h"\n', 'must not include'),
    ('devices/a.c', '#include <base/log.h>\n', 'is one of ours'),
    ('cpu/core/a.c', '#include "cpu/fp/core_priv.h"\n', 'folder alone'),
    ('devices/a.c', 'x = time(NULL);\n', 'must not use time'),
    ('cpu/a/a.c', 'void f(void)\n{\n    clock_gettime(0, 0);\n}\n',
     'a.c:3: cpu/ must not use clock_gettime'),
    ('devices/a.c', 'return rand\n();', 'must not use rand'),
    ('devices/a.c', 'f = fopen("x", "r");', 'must not use fopen'),
    ('machine/a.c', 'if (x)\n        exit(1);', 'must not use exit'),
    ('machine/a.c', 'fputc(1, stderr);', 'must not use stderr'),
    ('base/a.c', '/* fine */ printf("x");', 'must not use printf'),
    ('cpu/a.c', 'static int f(void)\n{\n    raise(1);\n}\n', 'not use raise'),
    ('cpu/a.c', 'n = __builtin_ia32_rdtsc();', 'must not use __builtin'),
)
MUST_PASS = (
    ('devices/a.c', '#include "base/log.h"\n#include <time.h>\n'),
    ('devices/a.c', '/* time(0) */ s = "exit(1)"; // rand()\n'),
    ('devices/a.c', 'b->read(b, 0); c.open(x); uint64_t time(void *o);\n'),
    ('devices/a.c', 'bool (*read)(struct block *b);\n'),
    ('cpu/a.c', 'static bool raise(int n)\n{\n}\nif (x)\n    raise(1);\n'),
    ('cpu/core/b.c', '#include "cpu/core/core_priv.h"\n'),
    ('cpu/core/b.c', '#include "generated.h"\n'),
    ('machine/a.c', '#include "roms/a/b.h"\nfwrite(p, 1, n, file);\n'),
    ('frontend/a.c', '#include "machine/machine.h"\nexit(time(0));\n'),
)
SYMBOLS_FAIL = (
    '0000000000000000 l     O .bss\t0000000000000004 counter\n',
    '0000000000000000 g     O .data\t0000000000000008 table\n',
    '0000000000000010 l     O .data.rel.local\t0000000000000008 t\n',
    '0000000000000004       O *COM*\t0000000000000004 common\n',
    '0000000000000000 l     O .tbss\t0000000000000004 per_thread\n',
)
SYMBOLS_PASS = (
    '0000000000000000 l    d  .bss\t0000000000000000 .bss\n'
    '0000000000000000 g     O .data.rel.ro.local\t0000000000000008 k\n'
    '0000000000000000 l     O .rodata\t0000000000000008 r\n'
    '0000000000000000 g     F .text\t0000000000000008 f\n')


def one_file(name, text):
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path))
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        checker = Checker(root, RULES, FORBIDDEN, {})
        checker.check_tree()
        return checker.errors


def prove_rules():
    for name, text, message in MUST_FAIL:
        errors = one_file(name, text)
        if not any(message in e for e in errors):
            sys.exit('layering.py does not notice %r in %s' % (text, name))
    for name, text in MUST_PASS:
        errors = one_file(name, text)
        if errors:
            sys.exit('layering.py minds %r: %s' % (text, errors[0]))
    for listing in SYMBOLS_FAIL + (SYMBOLS_PASS,):
        checker = Checker('.', {}, {}, {})
        checker.check_symbols('x', listing)
        if bool(checker.errors) != (listing != SYMBOLS_PASS):
            sys.exit('layering.py misjudges %r' % listing)
    unneeded = Checker('.', {}, {}, {('base/x.c', 'exit'): ''})
    unneeded.check_tree()
    if not unneeded.errors:
        sys.exit('layering.py keeps exceptions that nobody needs')


def main():
    if len(sys.argv) < 2 or len(sys.argv) == 3:
        sys.exit('usage: layering.py ROOT [OBJDUMP LIBRARY...]')
    prove_rules()
    checker = Checker(sys.argv[1], RULES, FORBIDDEN, ALLOWED)
    checker.check_tree()
    for library in sys.argv[3:]:
        listing = subprocess.run([sys.argv[2], '-t', library], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        if '.text' not in listing:
            sys.exit('%s shows nothing of %s' % (sys.argv[2], library))
        checker.check_symbols(library, listing)
    for line in checker.errors:
        print(line)
    print('%d files, %d libraries, %d errors'
          % (checker.n_files, max(0, len(sys.argv) - 3), len(checker.errors)))
    sys.exit(1 if checker.errors else 0)


if __name__ == '__main__':
    main()
