#!/bin/sh
# Finds the Pythons of this machine that Postane runs on.
#
#   pythons.sh first   the interpreter to use
#   pythons.sh all     one line each: VERSION INTERPRETER, newest first, one per version
#
# A name on the PATH is not enough (version managers leave names that do not run): each is asked for its version.
set -u

OLDEST='(3, 11)'

version_of() {
    "$1" -c "import sys, venv; v = sys.version_info[:2]; v >= $OLDEST and print('%d.%d' % v)" 2>/dev/null </dev/null
}

candidates() {
    printf '%s\n' python3.13 python3.12 python3.11 python3.14 python3
    for found in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
        [ -x "$found" ] && printf '%s\n' "$found"
    done
}

usable() {
    seen=' '
    for python in $(candidates); do
        version=$(version_of "$python")
        case "$version,$seen" in
        ,* | *,*" $version "*) continue ;;
        esac
        seen="$seen$version "
        printf '%s %s\n' "$version" "$python"
    done
}

case "${1:-first}" in
first)
    python=$(usable | head -n 1 | cut -d ' ' -f 2-)
    if [ -z "$python" ]; then
        echo 'Postane needs Python 3.11 or newer, and none was found; name one with PYTHON=/path/to/python3' >&2
        exit 1
    fi
    printf '%s\n' "$python"
    ;;
all) usable | sort -t . -k 1,1nr -k 2,2nr ;;
*)
    echo 'usage: pythons.sh first|all' >&2
    exit 64
    ;;
esac
