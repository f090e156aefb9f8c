#!/bin/bash
# Build the option ROM that starts a -kernel, the reset code of a PC without a
# BIOS, and the demo guest: kernel.bin, direct.bin, demo.elf.
#
#     build.sh [FOLDER]
#
# puts them into FOLDER, by default the one of this script, where they are
# committed.  The demo depends on the compiler's version, too (Debian 12's: see the
# README).  CROSS names a toolchain's prefix; without, the host's is taken
# where it makes x86 code, else Debian's x86-64-linux-gnu.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
case ${CROSS-$(uname -m)} in
x86_64 | i?86) cross= ;;
*) cross=${CROSS-x86_64-linux-gnu-} ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"

for name in kernel direct; do
    "${cross}gcc" -m32 -c -nostdlib -ffile-prefix-map="$here=." \
        -o "$work/$name.o" "$name.S"
    "${cross}ld" -m elf_i386 -Ttext=0 -e 0 --build-id=none -z noexecstack \
        -o "$work/$name.elf" "$work/$name.o"
    "${cross}objcopy" -O binary -j .text "$work/$name.elf" "$work/$name.bin"
    install -m 644 "$work/$name.bin" "$out/$name.bin"
done

"${cross}gcc" -m32 -march=i386 -mgeneral-regs-only -std=gnu11 -Os \
    -ffreestanding -fno-pic -fno-stack-protector -fno-common -fno-ident \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
    --param=min-pagesize=0 -Wall -Wextra -Werror -nostdlib -static \
    "-ffile-prefix-map=$here=." \
    -no-pie -s -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-n \
    -Wl,--no-warn-rwx-segments -T demo/program.ld -o "$work/demo.elf" \
    demo/*.S demo/*.c
install -m 644 "$work/demo.elf" "$out/demo.elf"
