"""Records: what training reads, one set for each split that is trained on.

Needs a checked split. Gives TFRecord shards, each with a JSON file that lists what it holds.
Subsets are lists of image ids upon these records and never copies of them.
"""


rule write_records:
    input:
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
        checked=lambda wildcards: checked(wildcards.dataset, wildcards.split),
    output:
        records="results/records/{dataset}/{split}-{shard}-of-{shards}.tfrecord",
        contents="results/records/{dataset}/{split}-{shard}-of-{shards}.json",
    log:
        "results/logs/records/{dataset}/{split}-{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/records/{dataset}/{split}-{shard}-of-{shards}.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        skeleton=skeleton_of,
        shard=lambda wildcards: int(wildcards.shard),
        shards=lambda wildcards: int(wildcards.shards),
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
        code=code("write_records.py"),
    message:
        "Writing records of {wildcards.dataset} {wildcards.split}, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../scripts/write_records.py"
