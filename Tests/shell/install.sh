#!/bin/sh
# What `make install` puts in place is complete, and `make uninstall` takes all of it away again.
set -eu
cd "$(dirname "$0")/../.."

destination=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-install.XXXXXX")
trap 'rm -rf "$destination"' EXIT

fail() { echo "install: $*" >&2; exit 1; }

# The debug build, which is there when this runs: what is installed is not the matter here.
make --no-print-directory --silent install BINARY=.build/debug/vitrine DESTDIR="$destination" PREFIX=/usr

found=$(cd "$destination" && find . -type f -printf '%m %P\n' | LC_ALL=C sort -k2)
expected=$(
  {
    echo "755 usr/bin/vitrine"
    for page in man/*.1; do echo "644 usr/share/$(dirname "$page")/man1/$(basename "$page")"; done
    echo "644 usr/share/bash-completion/completions/vitrine"
    echo "644 usr/share/fish/vendor_completions.d/vitrine.fish"
    echo "644 usr/share/vitrine/vitrine-inspect.schema.json"
    echo "644 usr/share/zsh/site-functions/_vitrine"
  } | LC_ALL=C sort -k2
)
[ "$found" = "$expected" ] || fail "these files are in place:
$found
and not these:
$expected"

"$destination/usr/bin/vitrine" --version >/dev/null || fail "the installed program does not run"

make --no-print-directory --silent uninstall DESTDIR="$destination" PREFIX=/usr
left=$(find "$destination" -type f)
[ -z "$left" ] || fail "uninstall leaves behind: $left"
