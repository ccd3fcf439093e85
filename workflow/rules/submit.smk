"""Submission: what COCO's evaluation server takes, for splits whose annotations are not public.

Needs the result files of a test on a split with a `server_name`. Gives one archive a task, in the
server's naming.
"""

SUBMISSION = "results/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}"
ALGORITHM = "{experiment}-seed-{seed}-{protocol}"
TASKS = {"person_keypoints": "keypoints", "detections": "segmentation"}  # by the server's words


rule pack_submission:
    input:
        results=lambda wildcards: f"{TEST}/{TASKS[wildcards.prefix]}.json".format(**wildcards),
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        archive=f"{SUBMISSION}/{{prefix}}_{{server_name}}_{ALGORITHM}_results.zip",
    log:
        "results/logs/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/{prefix}_{server_name}.log",
    benchmark:
        "results/benchmarks/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/{prefix}_{server_name}.tsv"
    wildcard_constraints:
        server_name=one_of(server_names()),
        prefix=one_of(TASKS),
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        task=lambda wildcards: TASKS[wildcards.prefix],
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        code=code("pack_submission.py"),
    message:
        "Packing {wildcards.prefix} of {wildcards.dataset} {wildcards.split} by {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}, for the evaluation server"
    script:
        "../scripts/pack_submission.py"
