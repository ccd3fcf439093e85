"""Decoding: from fields to persons, on CPUs.

Needs the fields of a shard. Gives the persons of that shard, then the two COCO result files of the
split, from which no image may be missing, one with pose and mask of each person together, their
checksums, and how long decoding took.
"""


rule decode_shard:
    input:
        fields=f"{TEST}/fields-{{shard}}-of-{{shards}}.h5",
        terms=pairwise_terms,
    output:
        decoded=temp(f"{TEST}/decoded-{{shard}}-of-{{shards}}.json"),
    log:
        "results/logs/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/decoded-{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/decoded-{shard}-of-{shards}.tsv"
    # Before any further inference, on the cores that its own set free: see infer.smk.
    priority: 3
    group:
        "shard"
    conda:
        CPU_ENV
    threads: threads_of(8)
    resources:
        mem_mb=growing(8000),
        runtime=120,
        field_shards=1,
    params:
        decoder=lambda wildcards: decoder_of(dict(wildcards)),
        skeleton=model_skeleton,
        code=code("decode_shard.py"),
    message:
        "Decoding {wildcards.dataset} {wildcards.split} by {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../scripts/decode_shard.py"


rule merge_results:
    input:
        decoded=decoded_shards,
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        keypoints=f"{TEST}/keypoints.json",
        segmentation=f"{TEST}/segmentation.json",
        sums=f"{TEST}/sums.json",
        joint=f"{TEST}/joint.json",
        times=f"{TEST}/decode_times.csv",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/keypoints.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/keypoints.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=20,
    params:
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        code=code("merge_results.py"),
    message:
        "Joining the persons of {wildcards.dataset} {wildcards.split} by {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}"
    script:
        "../scripts/merge_results.py"
