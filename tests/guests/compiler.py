"""A compiler for the guest riscv64-linux, and something to build with it.

archive() is an uncompressed initramfs, to be put behind the guest's own: make,
gcc's compiler proper (cc1), the assembler and the linker of trixie with their
libraries and the C library's headers, and in /build some sixty C files with a
Makefile.  What the program made of them prints is known: the host's compiler
makes it, too (host_output()).

The driver `gcc` is left out: its package is as large as all the others, and
the Makefile calls cc1, as and ld as it would.
"""

import pathlib
import random
import subprocess

import aptdir
import cpio

SUITE = 'trixie'
ARCH = 'riscv64'
TRIPLET = 'riscv64-linux-gnu'
LIB = f'usr/lib/{TRIPLET}'
GCC = f'usr/lib/gcc/{TRIPLET}/14'
FILES = 60

# Package: what is taken of it, as patterns of pathlib's glob().
PACKAGES = {
    'make': ['usr/bin/make'],
    f'cpp-14-{TRIPLET}': [f'usr/libexec/gcc/{TRIPLET}/14/cc1'],
    'libgcc-14-dev': [f'{GCC}/include/*.h', f'{GCC}/crtbegin.o',
                      f'{GCC}/crtend.o', f'{GCC}/libgcc.a'],
    f'binutils-{TRIPLET}': [f'usr/bin/{TRIPLET}-as',
                            f'usr/bin/{TRIPLET}-ld.bfd'],
    'libc6-dev': ['usr/include/**/*.h', f'{LIB}/crt?.o', f'{LIB}/libc.so',
                  f'{LIB}/libc_nonshared.a'],
    'libc6': [f'{LIB}/ld-linux-*.so.*', f'{LIB}/libc.so.6',
              f'{LIB}/libm.so.6'],
    **{name: [f'{LIB}/*.so*'] for name in (
        'libbinutils', 'libctf0', 'libgmp10', 'libisl23', 'libjansson4',
        'libmpc3', 'libmpfr6', 'libsframe1', 'libzstd1', 'zlib1g')},
}

MAKEFILE = f'''\
OUT = /tmp/out
CC1 = /usr/libexec/gcc/{TRIPLET}/14/cc1 -quiet -imultiarch {TRIPLET} \\
      -march=rv64gc -mabi=lp64d -O1 -ffp-contract=off -w
AS = {TRIPLET}-as -march=rv64gc
LD = {TRIPLET}-ld.bfd -dynamic-linker /lib/ld-linux-riscv64-lp64d.so.1 \\
     -L/{GCC} -L/{LIB}
OBJECTS = $(patsubst %.c,$(OUT)/%.o,$(wildcard *.c))

$(OUT)/program: $(OBJECTS)
\t$(LD) -o $@ /{LIB}/crt1.o /{LIB}/crti.o /{GCC}/crtbegin.o \\
\t    $^ -lgcc -lc -lgcc /{GCC}/crtend.o /{LIB}/crtn.o

$(OUT)/%.o: %.c parts.h Makefile
\t$(CC1) $< -o $@.s && $(AS) -o $@ $@.s
'''

HEADER = '''\
#include <stdint.h>
#include <string.h>

struct node {
    struct node *next;
    uint64_t key;
    double weight;
};

'''

# What every part has beside a function of its own.
COMMON = r'''
uint64_t part_%d(uint64_t seed)
{
    static struct node nodes[20];
    struct node *list = NULL;
    double total = %d;

    for (unsigned i = 0; i < 20; i++) {
        seed = mix(seed * 6364136223846793005u + 1, i);
        nodes[i] = (struct node){list, seed >> 20, (double)(seed >> 40) / 3};
        list = &nodes[i];
    }
    for (; list; list = list->next)
        total += list->key %% 7 ? list->weight : 1 / total;
    memcpy(&seed, &total, sizeof(seed));
    return seed;
}
'''


def expression(rng, names, depth):
    """Unsigned arithmetic that means the same on every host."""
    if depth == 0:
        return rng.choice(names) if rng.random() < 0.7 else \
            f'{rng.getrandbits(rng.choice((6, 12, 32, 63)))}u'
    left, right = (expression(rng, names, depth - 1) for _ in range(2))
    kind = rng.randrange(9)
    if kind < 5:
        return f'({left} {"+-*^&|"[rng.randrange(6)]} {right})'
    if kind == 5:
        return f'({left} {rng.choice(("<<", ">>"))} ({right} & 31))'
    if kind == 6:
        return f'({left} {rng.choice("/%")} ({right} | 1))'
    if kind == 7:
        return f'({left} < {right} ? {right} : {left} + 1)'
    return f'(uint32_t)({left} + {right})'


def function(rng):
    """A function of two numbers, with a loop, a switch and a table."""
    names = ['a', 'b', 'n']
    table = ', '.join(f'{rng.getrandbits(16)}' for _ in range(8))
    cases = ''.join(
        f'        case {k}: a = {expression(rng, names, 2)}; '
        f'{"break;" if rng.random() < 0.8 else ""}\n' for k in range(4))
    return f'''\
static uint64_t mix(uint64_t a, uint64_t b)
{{
    static const uint16_t table[8] = {{ {table} }};

    for (uint64_t n = 0; n < {rng.randrange(4, 12)}; n++) {{
        switch (b & 3) {{
{cases}        }}
        b = {expression(rng, names, 2)} + table[a & 7];
    }}
    return a ^ b;
}}
'''


def sources():
    """{name: text} of the files to build, the same each time."""
    parts = range(1, FILES)
    calls = ''.join(f'    sum = sum * 31 + part_{n}(sum);\n'
                    f'    printf("{n} %016llx\\n", (unsigned long long)sum);\n'
                    for n in parts)
    files = {
        'parts.h': HEADER + ''.join(f'uint64_t part_{n}(uint64_t seed);\n'
                                    for n in parts),
        'main.c': '#include <stdio.h>\n#include "parts.h"\n\n'
                  'int main(void)\n{\n'
                  f'    uint64_t sum = 1;\n\n{calls}    return 0;\n}}\n',
    }
    for n in parts:
        files[f'part{n}.c'] = '#include "parts.h"\n\n' + \
            function(random.Random(n)) + COMMON % (n, n)
    return files


def host_output(folder):
    """What the program prints, by the host's compiler.  folder: to work in."""
    files = sources()
    for name, text in files.items():
        (folder / name).write_text(text)
    names = [n for n in files if n.endswith('.c')]
    subprocess.run(['cc', '-O1', '-ffp-contract=off', '-o', 'program', *names],
                   cwd=folder, check=True)
    return subprocess.run([folder / 'program'], check=True,
                          capture_output=True, text=True).stdout


def archive(say):
    """The archive's bytes; raises aptdir.FetchError."""
    arc = cpio.Cpio()
    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        apt = aptdir.AptDir(SUITE, ARCH, say)
        folders = {name: apt.unpack(name)[0] for name in PACKAGES}
    for package, patterns in PACKAGES.items():
        folder = folders[package]
        for pattern in patterns:
            found = [p for p in sorted(folder.glob(pattern)) if p.is_file()]
            if not found:
                raise aptdir.FetchError(f'{package} has no {pattern}')
            for path in found:
                name = str(path.relative_to(folder))
                arc.file(name, path.read_bytes(), path.stat().st_mode & 0o777)
    # Debian's /lib is /usr/lib; the guest's holds modules.
    arc.link(f'lib/{TRIPLET}', f'/{LIB}')
    loader = 'ld-linux-riscv64-lp64d.so.1'
    arc.link(f'lib/{loader}', f'/{LIB}/{loader}')
    arc.file('build/Makefile', MAKEFILE.encode())
    for name, text in sources().items():
        arc.file(f'build/{name}', text.encode())
    return arc.finish()
