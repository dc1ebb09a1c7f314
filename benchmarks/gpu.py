"""The protocol on a real GPU: the reference against itself, against a wider and a narrower net.

Ends with exit code 3 and says so where torch sees no GPU.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import scoring
from benchmarks import nets, tables
from scoring import hardware
from scoring.job import Formula, InputSpec, Job, Plan, Split

NETS = {
    "itself": None,
    "narrower": partial(nets.residual, (32, 64, 128, 256), 2),
    "wider": partial(nets.residual, (96, 192, 384, 768), 2),
}
NO_GPU = 3


def main() -> int:
    options = parser().parse_args()
    if options.quick:
        options.runs, options.images = 1, 500
    asked = [sys.executable, "-c", "import torch, sys; sys.exit(not torch.cuda.is_available())"]
    if subprocess.run(asked, check=False).returncode:
        print("There is no GPU here that torch can use; nothing was measured.")
        return NO_GPU
    print(f"{tables.machine_line()}; {hardware.gpu_model()}")
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        place = Path(folder)
        job = Job(
            reference=nets.saved(partial(nets.residual, (64, 128, 256, 512), 2), place / "ref.pt"),
            splits=(Split("public", nets.pictures(place / "images.zip", options.images)),),
            classes=nets.CLASSES,
            formula=Formula(f1_ref=0.5),
            input=InputSpec(224, 224, batch_size=options.batch_size),
            plan=Plan(device="cuda", max_half_width=0),
            cache=place / "cache",
        )
        for name, make in NETS.items():
            model = nets.saved(make, place / f"{name}.pt") if make else None
            for number in range(options.runs):
                report = scoring.evaluate(replace(job, submission=model, seed=number))
                timing = report.timing
                assert timing, report.failure
                rows.append(
                    (
                        name,
                        number + 1,
                        f"{timing.time_ratio:.4f}",
                        f"{timing.half_width / timing.time_ratio:.2%}",
                        f"{timing.reference_seconds_per_image * 1000:.4f} ms",
                        len(timing.quads),
                        " | ".join(map(str, report.hardware.get("gpu_clocks", []))),
                        "; ".join(timing.flags),
                    )
                )
        words = timing.in_force
    head = ("submission", "run", "ratio", "+-", "reference", "quads", "clocks", "findings")
    tables.show(head, rows)
    print(f"in force: {', '.join(words)}")
    return 0


def parser() -> argparse.ArgumentParser:
    one = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    one.add_argument("--runs", type=int, default=3, help="of each net")
    one.add_argument("--images", type=int, default=4000)
    one.add_argument("--batch-size", type=int, default=8)
    one.add_argument("--quick", action="store_true", help="one short run of each")
    return one


if __name__ == "__main__":
    sys.exit(main())
