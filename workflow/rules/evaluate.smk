"""Evaluation: from COCO result files to metrics.

Needs the two result files of a test. Gives its metrics in long form, one value a line.
"""


rule evaluate_results:
    input:
        keypoints=f"{TEST}/keypoints.json",
        segmentation=f"{TEST}/segmentation.json",
        sums=f"{TEST}/sums.json",
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        metrics=f"{TEST}/metrics.csv",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/metrics.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/metrics.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        names=lambda wildcards: dict(wildcards),
        skeleton=skeleton_of,
        model=model_skeleton,
        masks=lambda wildcards: has_masks(dict(wildcards)),
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        code=code("evaluate_results.py"),
    message:
        "Evaluating {wildcards.experiment}, seed {wildcards.seed}, on {wildcards.dataset} {wildcards.split} by {wildcards.protocol}"
    script:
        "../scripts/evaluate_results.py"
