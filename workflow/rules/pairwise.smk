"""What DeeperCut learns beside its weights: statistics before a training, pairwise terms after it.

Needs a subset's annotations. Gives mean and deviation of the way between every two keypoints, in
which the network learns, and, from a run's own fields of some images that it was trained on, what
makes two candidates one person, with a figure of how well calibrated that is.
"""

PAIRS = f"{RUN}/pairwise/{{protocol}}"
PAIR_IMAGES = 1000


rule measure_pairs:
    input:
        annotations="results/subsets/{subset}/annotations.json",
    output:
        statistics="results/subsets/{subset}/pairwise_statistics.csv",
    log:
        "results/logs/subsets/{subset}/pairwise_statistics.log",
    benchmark:
        "results/benchmarks/subsets/{subset}/pairwise_statistics.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        skeleton=lambda wildcards: subset_of(wildcards).dataset.skeleton.to_dict(),
        code=code("measure_pairs.py"),
    message:
        "Measuring the ways between keypoints in {wildcards.subset}"
    script:
        "../scripts/measure_pairs.py"


rule draw_pair_images:
    input:
        "results/subsets/{subset}/annotations.json",
    output:
        annotations="results/subsets/{subset}/pair_images.json",
    log:
        "results/logs/subsets/{subset}/pair_images.log",
    benchmark:
        "results/benchmarks/subsets/{subset}/pair_images.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        skeleton=lambda wildcards: subset_of(wildcards).dataset.skeleton.to_dict(),
        annotations=untracked(
            lambda wildcards: f"results/subsets/{wildcards.subset}/annotations.json"
        ),
        sample_images=PAIR_IMAGES,
        code=code("draw_samples.py"),
    message:
        "Choosing the images of {wildcards.subset} that pairwise terms are learned from"
    script:
        "../scripts/draw_samples.py"


use rule infer_shard as infer_pairs with:
    input:
        weights=f"{RUN}/weights.keras",
        run=f"{RUN}/run.json",
        annotations=lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/pair_images.json",
    output:
        fields=temp(f"{PAIRS}/fields.h5"),
    log:
        "results/logs/runs/{experiment}/seed-{seed}/pairwise/{protocol}/fields.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/pairwise/{protocol}/fields.tsv"
    group:
        None
    params:
        protocol=fields_settings,
        shard=0,
        shards=1,
        annotations=untracked(
            lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/pair_images.json"
        ),
        images=untracked(lambda wildcards: images_of(*source_of_training(wildcards))),
        compute=untracked(compute),
        code=code("infer_shard.py", network_plug_ins),
    message:
        "Inferring images of {wildcards.experiment}'s own training, seed {wildcards.seed}, {wildcards.protocol}"


rule fit_pairwise_terms:
    input:
        fields=f"{PAIRS}/fields.h5",
        annotations=lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/pair_images.json",
    output:
        terms=f"{PAIRS}/terms.json",
        calibration=f"{PAIRS}/calibration.csv",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/pairwise/{protocol}/terms.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/pairwise/{protocol}/terms.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(16000),
        runtime=120,
    params:
        skeleton=model_skeleton,
        radius_px=lambda wildcards: experiment_of(wildcards).settings["system_options"]["radius_px"],
        code=code("fit_pairwise_terms.py"),
    message:
        "Learning the pairwise terms of {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}"
    script:
        "../scripts/fit_pairwise_terms.py"


# Apart from the terms: a change of how figures look must not decode every test again.
rule draw_calibration:
    input:
        calibration=f"{PAIRS}/calibration.csv",
    output:
        figure=f"{PAIRS}/calibration.png",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/pairwise/{protocol}/calibration.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/pairwise/{protocol}/calibration.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        code=code("draw_calibration.py"),
    message:
        "Drawing how well calibrated the pairwise terms of {wildcards.experiment} are, seed {wildcards.seed}, {wildcards.protocol}"
    script:
        "../scripts/draw_calibration.py"
