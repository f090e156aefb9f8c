#!/bin/bash
# Rebuild the boot stubs and the demo guests and compare them with the committed
# images, byte for byte: in place, and from a copy elsewhere under another
# locale, so that no path or setting of the host gets into them.
#
# Exit status 77 (skipped) without the compiler that built them.
set -eu

compiler=12.2.0 binutils=2.40
cross=riscv64-linux-gnu-
roms=$(cd "$(dirname "$0")/../../roms/riscv" && pwd)

skip() {
    echo "skipped: $1 (Debian 12: gcc-riscv64-linux-gnu)"
    exit 77
}

command -v "${cross}gcc" >/dev/null || skip "no ${cross}gcc"
found=$("${cross}gcc" -dumpfullversion)
[ "$found" = "$compiler" ] ||
    skip "${cross}gcc $found makes other bytes than $compiler"
found=$("${cross}ld" --version | head -n 1)
[[ $found == *" $binutils" ]] ||
    skip "$found makes other bytes than binutils $binutils"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/here" "$work/there"
cp -R "$roms" "$work/a copy"
"$roms/build.sh" "$work/here"
LC_ALL=C.UTF-8 TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1 \
    "$work/a copy/build.sh" "$work/there"

status=0
for name in boot demo; do
    for place in here there; do
        if ! cmp "$roms/$name.bin" "$work/$place/$name.bin"; then
            echo "roms/riscv/$name.bin is not what its sources make;" \
                "run roms/riscv/build.sh"
            status=1
        fi
    done
done

# The PC's images, by the assembler for x86 that there is.
x86=$(cd "$roms/../x86" && pwd)
prefix=
[ "$(uname -m)" = x86_64 ] || prefix=x86_64-linux-gnu-
if command -v "${prefix}ld" >/dev/null &&
    [[ $("${prefix}ld" --version | head -n 1) == *" $binutils" ]]; then
    mkdir "$work/x86"
    "$x86/build.sh" "$work/x86"
    for name in kernel direct; do
        cmp "$x86/$name.bin" "$work/x86/$name.bin" || status=1
    done
    found=$("${prefix}gcc" -dumpfullversion)
    if [ "$found" = "$compiler" ]; then
        cmp "$x86/demo.elf" "$work/x86/demo.elf" || status=1
    else
        echo "skipped: the PC's demo: ${prefix}gcc is $found"
    fi
else
    echo "skipped: the PC: no binutils $binutils for x86"
fi

# The boot stub's code serves RV32 too: assembled for it, it is the same.
"${cross}gcc" -march=rv32i_zicsr -mabi=ilp32 -c -o "$work/boot32.o" \
    "$roms/boot.S"
"${cross}objcopy" -O binary -j .text "$work/boot32.o" "$work/boot32.bin"
cmp "$roms/boot.bin" "$work/boot32.bin" || status=1
exit $status
