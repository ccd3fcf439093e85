"""Write `envs/<role>.yaml` for conda from the pins in `requirements/<role>.txt`.

Run by `make pins`. conda-forge gives python and pip only, pip gives the rest at the pinned
versions, so that a job in a conda environment runs what a job in `.venv` runs.
"""

import re
from pathlib import Path

ROLES = {
    "cpu": "Everything on the CPU: download, records, training, inference, decoding, tables.",
    "gpu": "Training and inference on an NVIDIA GPU (Linux), with TensorFlow's CUDA wheels.",
    "gpu_jax": "Training and inference on an NVIDIA GPU (Linux), with JAX's CUDA wheels.",
}
PYTHON = "3.12"
REPOSITORY = Path(__file__).resolve().parent.parent
PIN = re.compile(
    r"^(?P<pin>[A-Za-z0-9][A-Za-z0-9._\[\]-]*==[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))? *\\?$"
)


def pins(requirements: str) -> list[str]:
    """The requirement lines of a pinned, hashed file, without the hashes."""
    matches = (PIN.match(line) for line in requirements.splitlines())
    return [
        match["pin"] + (f" ; {match['marker']}" if match["marker"] else "")
        for match in matches
        if match
    ]


def environment(role: str) -> str:
    """The text of `envs/<role>.yaml`."""
    requirements = REPOSITORY / "requirements" / f"{role}.txt"
    lines = pins(requirements.read_text(encoding="utf-8"))
    return "\n".join(
        [
            f"# {ROLES[role]}",
            f"# Written by `make pins` from requirements/{role}.txt; edit that, not this.",
            "channels:",
            "  - conda-forge",
            "  - nodefaults",
            "dependencies:",
            f"  - python ={PYTHON}",
            "  - pip >=24.0",
            "  - pip:",
            *(f'      - "{line}"' if "'" in line else f"      - {line}" for line in lines),
            "",
        ]
    )


def main() -> None:
    """Write the file of every role."""
    for role in ROLES:
        path = REPOSITORY / "envs" / f"{role}.yaml"
        path.write_text(environment(role), encoding="utf-8")


if __name__ == "__main__":
    main()
