#!/bin/sh
# Make .venv from the hashed pins, once: a stamp holds the checksum of the pins it was made from.
# Needs a Python of a tested version with its venv module; PYTHON=/path/to/python picks one.
set -eu
cd "$(dirname "$0")/.."
TESTED="3.11 3.12 3.13"
STAMP=.venv/pins.cksum
PINS="$(cat requirements/cpu.txt requirements/dev.txt | cksum) $(pwd)"

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }
is_tested() { case " $TESTED " in *" $(version_of "$1") "*) true ;; *) false ;; esac; }

is_usable() { is_tested .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }
# The scripts in .venv/bin hold its absolute path: a moved checkout starts anew.
has_moved() { [ -f $STAMP ] && ! grep -qF " $(pwd)" $STAMP; }

if is_tested .venv/bin/python && [ "$(cat $STAMP 2>/dev/null || true)" = "$PINS" ]; then
    exit 0
fi

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        is_tested "$candidate" && echo "$candidate" && return
    done
}
python=$(find_python || true)
if [ -z "$python" ]; then
    found=$(version_of "${PYTHON:-python3}")
    echo "bottomup is tested with Python $TESTED; ${PYTHON:-python3} here is" \
        "${found:-not found}. Install one of those, or name it: make PYTHON=/path/to/python" >&2
    exit 1
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "$python has no venv module; install it (on Debian and Ubuntu: python3-venv)" >&2
    exit 1
}

if has_moved || ! is_usable; then
    echo "set-up 1/3: an environment in .venv with $python ($("$python" --version))"
    "$python" -m venv --clear .venv
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "set-up 2/3: about a hundred pinned packages, 0.5 GB to download, 2 GB on disk"
.venv/bin/python -m pip install --no-deps --require-hashes \
    -r requirements/cpu.txt -r requirements/dev.txt
echo "set-up 3/3: bottomup itself"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -m pip check
echo "$PINS" >$STAMP
