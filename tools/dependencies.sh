# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What Debian 12 packages the build and the tests need, and how to get those that are missing. Sourced by tools/run and
# tools/test. Where nothing is missing, nothing is asked of the network.

TW_PACKAGES_BUILD=(
    gcc libc6-dev cmake ninja-build pkg-config
    libzmq3-dev libczmq-dev libmsgpack-dev librocksdb-dev libcurl4-openssl-dev libjansson-dev libxxhash-dev libssl-dev
    libsystemd-dev zlib1g-dev libpng-dev
    tzdata # session/zone
)
TW_PACKAGES_TEST=(
    clang clang-format llvm libclang-rt-14-dev valgrind binutils git util-linux
    libcmocka-dev python3 python3-zmq python3-msgpack python3-aiosmtpd openssl prometheus-alertmanager python3-botocore
)

tw_fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-3}"
}

# The packages of "$@" that are not installed, one a line.
tw_missing() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
    done
}

# Installs what is missing of "$@"; as root, or by sudo.
tw_install() {
    local missing=() as_root=()
    if ! command -v dpkg-query >/dev/null; then
        printf '%s: not a Debian system; these packages, or their like, must be there: %s\n' "${0##*/}" "$*" >&2
        return
    fi
    mapfile -t missing < <(tw_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || tw_fail "as root, please: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    printf '%s: installing %s\n' "${0##*/}" "${missing[*]}" >&2
    "${as_root[@]}" apt-get -qq update || tw_fail "apt-get update failed; missing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" \
        >&2 || tw_fail "could not install ${missing[*]}"
}
