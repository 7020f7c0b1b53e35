#!/bin/sh
# Makes a virtual environment with the peers that the Python registry has: install.sh FOLDER [PYTHON]
set -e
folder=${1:?the folder of the virtual environment}
"${2:-python3}" -m venv "$folder"
here=$(dirname "$0")
"$folder/bin/pip" install --quiet --requirement "$here/requirements.txt"
# pyamgcl's build asks for pybind11 without declaring it, so it must see this environment.
CFLAGS="-O3 -march=native" "$folder/bin/pip" install --quiet --no-build-isolation pyamgcl ||
    echo "pyamgcl does not build here (it needs a C++ compiler and Boost's headers); it will be skipped"
