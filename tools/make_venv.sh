#!/bin/sh
# Makes or refreshes a virtual environment with Postane (editable) and its development tools.
#
#   make_venv.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

if [ ! -x "$folder/bin/python" ]; then
    echo "making $folder with $("$python" --version)"
    if ! "$python" -m venv "$folder"; then
        rm -rf "$folder"
        echo "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "installing what pyproject.toml asks for into $folder"
"$folder/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' # the first that knows --group
"$folder/bin/python" -m pip install --quiet --editable . --group dev
"$folder/bin/python" -m compileall -q src # where PYTHONDONTWRITEBYTECODE is set, every command would compile all it imports
