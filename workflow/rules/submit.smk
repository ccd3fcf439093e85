"""Submission: what COCO's evaluation server takes, for splits whose annotations are not public.

Needs the two result files of a test on a split with a `server_name`. Gives one archive a task, in
the server's naming.
"""

SUBMISSION = "results/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}"
ALGORITHM = "{experiment}-seed-{seed}-{protocol}"


rule pack_submission:
    input:
        results=[f"{TEST}/keypoints.json", f"{TEST}/segmentation.json"],
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        keypoints=f"{SUBMISSION}/person_keypoints_{{server_name}}_{ALGORITHM}_results.zip",
        masks=f"{SUBMISSION}/detections_{{server_name}}_{ALGORITHM}_results.zip",
    log:
        "results/logs/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/person_keypoints_{server_name}.log",
    benchmark:
        "results/benchmarks/submissions/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/person_keypoints_{server_name}.tsv"
    wildcard_constraints:
        server_name=one_of(server_names()),
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        code=code("pack_submission.py"),
    message:
        "Packing {wildcards.dataset} {wildcards.split} by {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}, for the evaluation server"
    script:
        "../scripts/pack_submission.py"
