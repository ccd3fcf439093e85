"""Inference: from images to fields.

Needs a finished run. Gives the fields of one shard of a split, which live until they are decoded
(`group` makes both one job on a cluster), and those of a few images for pictures, which are kept.
Fields take room. The resource `field_shards` caps how many shards have theirs on disk at a time: on
a cluster those whose job runs, which the profile limits. On one machine decoding goes first and
needs no more cores than the inference that ended before it, so no shard waits with its fields.
"""


rule infer_shard:
    input:
        weights=f"{RUN}/weights.keras",
        run=f"{RUN}/run.json",
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
        checked=lambda wildcards: checked(wildcards.dataset, wildcards.split),
        disjoint=disjoint,
    output:
        fields=temp(f"{TEST}/fields-{{shard}}-of-{{shards}}.h5"),
    log:
        "results/logs/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/fields-{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/fields-{shard}-of-{shards}.tsv"
    group:
        "shard"
    conda:
        GPU_ENV
    threads: threads_of(8)
    resources:
        mem_mb=growing(16000),
        runtime=240,
        gpu=gpus_of,
        field_shards=1,
    params:
        protocol=fields_settings,
        shard=lambda wildcards: int(wildcards.shard),
        shards=lambda wildcards: int(wildcards.shards),
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
        compute=untracked(compute),
        code=code("infer_shard.py", network_plug_ins),
    message:
        "Inferring {wildcards.dataset} {wildcards.split} by {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../scripts/infer_shard.py"


use rule infer_shard as infer_samples with:
    input:
        weights=f"{RUN}/weights.keras",
        run=f"{RUN}/run.json",
        samples="results/samples/{dataset}-{split}.json",
    output:
        fields=f"{TEST}/samples.h5",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/samples.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/{dataset}-{split}/{protocol}/samples.tsv"
    group:
        None
    params:
        protocol=fields_settings,
        shard=0,
        shards=1,
        annotations=untracked(
            lambda wildcards: "results/samples/{dataset}-{split}.json".format(**wildcards)
        ),
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
        compute=untracked(compute),
        code=code("infer_shard.py", network_plug_ins),
    message:
        "Inferring the sample images of {wildcards.dataset} {wildcards.split} by {wildcards.experiment}"
