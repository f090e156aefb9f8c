# Functions that ./try and ./check share; bash, sourced with `set -eu` on.
# shellcheck shell=bash
# The caller sets: me (its name for messages), root (the checkout).
targets=()
# shellcheck disable=SC2154

say() {
    printf '%s: %s\n' "$me" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

# packages GROUP...: "package reason" a line, of .ci/packages.
packages() {
    awk -v groups=" $* " '!/^#/ && index(groups, " " $1 " ") {
        $1 = ""; print substr($0, 2) }' "$root/.ci/packages"
}

# missing GROUP...: those lines of packages() that are not installed.
missing() {
    local name reason
    packages "$@" | while read -r name reason; do
        # One line an architecture that the package is there for.
        if ! dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null |
            grep -qx installed; then
            printf '%s %s\n' "$name" "$reason"
        fi
    done
}

# apt_get LOG ARGS...: apt-get as root, waiting for other runs of it.  dpkg's
# lock has a time-out of its own; that of the package lists has none.
apt_get() {
    local log=$1 tries=0
    shift
    while ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -y -o DPkg::Lock::Timeout=900 "$@" >"$log" 2>&1; do
        grep -q 'Could not get lock' "$log" || return 1
        tries=$((tries + 1))
        [ "$tries" -lt 180 ] || return 1
        [ "$tries" -gt 1 ] || say "waiting for another apt-get to finish"
        sleep 5
    done
}

# install_groups LOG GROUP...: installs what is missing, says what and why;
# ends the script with status 1 and the line to run where it may not.  LOG is
# the file for apt-get's output.
install_groups() {
    local log=$1 lines names line as_root=()
    shift
    lines=$(missing "$@")
    [ -n "$lines" ] || return 0
    names=$(awk '{ printf " %s", $1 }' <<<"$lines")
    line="apt-get install --no-install-recommends$names"
    if ! command -v apt-get >/dev/null; then
        die "no apt-get here; install what Debian has as:$names"
    fi
    if [ -n "${offline-}" ]; then
        die "missing packages, and --offline installs none; run: $line"
    fi
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo)
        # Where nobody can type a password, sudo must do without.
        [ -t 0 ] && [ -t 2 ] || as_root=(sudo -n)
        if ! command -v sudo >/dev/null || ! "${as_root[@]}" -v 2>/dev/null
        then
            die "packages are missing, and this is neither root nor" \
                "may it use sudo; run: $line"
        fi
    fi
    say "installing with apt-get:"
    awk '{ name = $1; $1 = ""; printf "  %-28s%s\n", name, $0 }' \
        <<<"$lines" >&2
    # Lists that cannot be renewed may still serve.
    apt_get "$log" update || say "apt-get update failed: $(apt_error "$log")"
    # shellcheck disable=SC2086  # one word a package
    apt_get "$log" install --no-install-recommends $names </dev/null ||
        die "apt-get install failed: $(apt_error "$log"); run: $line"
    lines=$(missing "$@")
    [ -z "$lines" ] || die "still missing after apt-get install: $lines"
}

apt_error() {
    grep -m1 '^E: ' "$1" || tail -n 1 "$1"
}

# build DIR LOG MESON-OPTIONS...: sets DIR up where it is not and builds it, or
# what the array `targets` says of it.
build() {
    local dir=$1 log=$2
    shift 2
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$@" "$dir" "$root" >"$log" 2>&1 </dev/null || return 1
    fi
    ninja -C "$dir" "${targets[@]}" >>"$log" 2>&1 </dev/null
}
