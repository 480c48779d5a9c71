#!/bin/sh
# Builds the compiled wheel and installs it into an environment of its own, which borrows all other packages.
#
#   install.sh LENDER FOLDER
set -eu
lender=$1
folder=$2

"$lender/bin/python" -c "import hatchling, mypyc, setuptools" 2>/dev/null || "$lender/bin/python" -m pip install --quiet --group compiled
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
echo "compiling, which takes two minutes of a processor"
HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 "$lender/bin/python" -m hatchling build -t wheel -d "$wheels" >"$wheels/output" 2>&1 || {
    cat "$wheels/output"
    exit 1
}
rm -rf "$folder"
"$lender/bin/python" -m venv --without-pip "$folder"
packages=$("$folder/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
"$lender/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))" >"$packages/borrowed.pth"
"$lender/bin/python" -m pip --python "$folder/bin/python" install --quiet --no-deps --ignore-installed "$wheels"/*.whl
