#!/bin/sh
# Make .venv from the hashed pins, once: a stamp says what it was made from, and where.
# Needs a Python of a tested version with its venv module; PYTHON=/path/to/python picks one.
# ROLE=gpu takes TensorFlow with its CUDA wheels (Linux), ROLE=gpu_jax takes JAX with its own; .venv
# keeps its role until told otherwise.
set -eu
cd "$(dirname "$0")/.."
TESTED="3.11 3.12 3.13"
STAMP=.venv/pins.cksum
OLD=$(cat $STAMP 2>/dev/null || true)
case "$OLD" in *" gpu_jax "*) role=gpu_jax ;; *" gpu "*) role=gpu ;; *) role=cpu ;; esac
role=${ROLE:-$role}
# The scripts in .venv/bin hold its absolute path, and the roles share files: both need a new start.
PLACE=" $role $(pwd)"
NEW="$(cat "requirements/$role.txt" requirements/dev.txt | cksum)$PLACE"

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }
is_tested() { case " $TESTED " in *" $(version_of "$1") "*) true ;; *) false ;; esac; }
is_usable() { is_tested .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }
has_moved() { case "$OLD" in "" | *"$PLACE") false ;; *) true ;; esac; }

if is_tested .venv/bin/python && [ "$OLD" = "$NEW" ]; then
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
size="0.6 GB to download, 2.9 GB on disk"
[ "$role" = cpu ] || size="several GB to download"
echo "set-up 2/3: about a hundred pinned packages for the $role, $size"
.venv/bin/python -m pip install --no-deps --require-hashes \
    -r "requirements/$role.txt" -r requirements/dev.txt
echo "set-up 3/3: bottomup itself"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -m pip check
echo "$NEW" >$STAMP
