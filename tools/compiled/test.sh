#!/bin/sh
# The tests of the modules that are compiled, and of what stands on them, in an environment with the compiled wheel.
#
#   test.sh FOLDER [PYTEST_ARGS ...]
set -eu
python=$1/bin/python
shift

"$python" tools/compiled/verify.py
# Left out: what plants a bug in a machine for the fuzzers to find, which a native class does not let happen.
planted=tests/properties/test_fuzz.py::
"$python" -m pytest -q -n auto --dist worksteal --tb=native -p no:cacheprovider \
    --deselect "${planted}test_a_planted_bug_is_found" --deselect "${planted}test_a_planted_bug_of_tls_is_found" \
    --deselect "${planted}test_a_finding_is_kept_and_told_and_can_be_tried_again" \
    tests/unit/wire tests/unit/pop3 tests/unit/smtp tests/unit/mail tests/unit/server tests/unit/test_app.py \
    tests/transcripts tests/properties "$@"
"$python" -m postane --version
