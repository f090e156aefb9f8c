#!/bin/bash
# Build the boot stub and the demo guest: boot.bin and demo.bin.
#
#     build.sh [FOLDER]
#
# puts them into FOLDER, by default the one of this script, where they are
# committed.  The result depends on the sources and the compiler alone (Debian
# 12's: see the README), not on paths, locale or time: tests/roms/rebuild.sh
# compares.  CROSS names another toolchain's prefix.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
cross=${CROSS:-riscv64-linux-gnu-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"

common=(-nostdlib -nostartfiles -static -no-pie "-ffile-prefix-map=$here=."
    '-Wl,--build-id=none' '-Wl,--no-relax' '-Wl,-z,noexecstack'
    '-Wl,--no-warn-rwx-segments')

boot=('-march=rv64i_zicsr' '-mabi=lp64' '-Ttext=0')

demo=('-march=rv64imac_zicsr_zifencei' '-mabi=lp64' '-mcmodel=medany' -mno-relax
    -mstrict-align '-std=gnu11' -O2 -ffreestanding -fno-pic -fno-stack-protector
    -fno-common -fno-ident -fno-asynchronous-unwind-tables
    -fno-tree-loop-distribute-patterns
    -Wall -Wextra -Werror -T demo/demo.ld)

"${cross}gcc" "${common[@]}" "${boot[@]}" -o "$work/boot.elf" boot.S
"${cross}gcc" "${common[@]}" "${demo[@]}" -o "$work/demo.elf" \
    demo/*.S demo/*.c
for name in boot demo; do
    "${cross}objcopy" -O binary "$work/$name.elf" "$work/$name.bin"
    install -m 644 "$work/$name.bin" "$out/$name.bin"
done
