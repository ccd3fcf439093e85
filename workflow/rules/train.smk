"""Training: one run for each experiment and seed.

Needs the records of the subset's split, the subset's image ids, and that no test image is among
them. Gives the weights, the history and the record of the run. What an interrupted training needs
to go on lies in `results/state`: Snakemake deletes the declared outputs of an interrupted job. The
folder's name is a digest of all that decides the weights, so stale state is never resumed.
"""


# No digest of code, as for archives: the checksum says what comes out.
rule fetch_weights:
    output:
        weights="resources/weights/{weights}.h5",
    log:
        "results/logs/weights/{weights}.log",
    benchmark:
        "results/benchmarks/weights/{weights}.tsv"
    wildcard_constraints:
        weights=one_of(WEIGHTS),
    retries: 2
    localrule: True
    conda:
        CPU_ENV
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        checksum=lambda wildcards: WEIGHTS[wildcards.weights]["md5"],
        entry=untracked(lambda wildcards: WEIGHTS[wildcards.weights]),
    message:
        "Fetching the published weights {wildcards.weights}"
    script:
        "../scripts/fetch_weights.py"


rule train_model:
    input:
        records=records_for_training,
        images=lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/images.txt",
        initial_weights=initial_weights_file,
        checks=checks_before_training,
    output:
        weights=f"{RUN}/weights.keras",
        history=f"{RUN}/history.csv",
        run=f"{RUN}/run.json",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/weights.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/weights.tsv"
    conda:
        GPU_ENV
    threads: 16
    resources:
        mem_mb=32000,
        runtime=5760,
        gpu=1,
    params:
        settings=training_settings,
        skeleton=lambda wildcards: experiment_of(wildcards).skeleton.to_dict(),
        seed=lambda wildcards: int(wildcards.seed),
        state=untracked(state_folder),
        compute=untracked(compute),
        code=training_code,
    message:
        "Training {wildcards.experiment}, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"
