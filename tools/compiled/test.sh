#!/bin/sh
# The tests of the modules that are compiled, and of what stands on them, in an environment with the compiled wheel.
#
#   test.sh FOLDER [PYTEST_ARGS ...]
set -eu
python=$1/bin/python
shift

"$python" tools/compiled/verify.py
# Left out: what patches a machine in place, which a native class does not let happen (a bug planted for the fuzzers, a
# throttle that counts its calls).
"$python" -m pytest -q -n auto --dist worksteal --tb=native -p no:cacheprovider \
    --deselect tests/properties/test_fuzz.py \
    tests/unit/wire tests/unit/pop3 tests/unit/smtp tests/unit/mail tests/unit/server tests/unit/test_app.py \
    tests/transcripts tests/properties "$@"
"$python" -m postane --version
