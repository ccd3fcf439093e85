#!/bin/sh
# Resolve requirements/*.in to exact versions with hashes, then write the conda environments from
# them. Keeps the versions that are already pinned; `sh requirements/compile.sh --upgrade` takes new
# ones. Needs uv (https://docs.astral.sh/uv) on the PATH, or its path in UV.
set -eu
cd "$(dirname "$0")/.."
UV=${UV:-uv}
command -v "$UV" >/dev/null || {
    echo "make pins needs uv: install it (https://docs.astral.sh/uv) or set UV to its path" >&2
    exit 1
}
for role in cpu gpu dev gpu_jax; do
    echo "resolving requirements/$role.in"
    "$UV" pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-header "$@" \
        "requirements/$role.in" --output-file "requirements/$role.txt"
done
python3 envs/write_environments.py
