#!/bin/sh
# Runs the tests on every Python 3.11+ of this machine, each in an environment of its own; fails when one fails.
#
#   test_all.sh MAKE [PYTEST ARGUMENT ...]
set -eu
make=$1
shift

found=$(sh tools/pythons.sh all)
[ -n "$found" ] || exec sh tools/pythons.sh first

failed=''
passed=''
while read -r version python; do
    echo "== Python $version"
    if "$make" --no-print-directory ".venv-$version/.stamp" PYTHON="$python" </dev/null &&
        ".venv-$version/bin/python" -m pytest "$@" </dev/null; then
        passed="$passed $version"
    else
        failed="$failed $version"
    fi
done <<LIST
$found
LIST

echo "passed on:${passed:- none}"
if [ -n "$failed" ]; then
    echo "FAILED on:$failed"
    exit 1
fi
