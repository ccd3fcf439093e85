"""Training: one run for each experiment and seed.

Needs the records of the subset's split and the subset's image ids. Gives the weights, the history and the record of the run. What an interrupted training needs
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
        checksum=lambda wildcards: WEIGHTS[wildcards.weights].get("md5")
        or WEIGHTS[wildcards.weights].get("sha256"),
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
    output:
        weights=f"{RUN}/weights.keras",
        history=f"{RUN}/history.csv",
        run=f"{RUN}/run.json",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/weights.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/weights.tsv"
    # Everything waits for trainings, so they begin before the tests of what is trained already.
    priority: 1
    conda:
        GPU_ENV
    threads: threads_of(16)
    resources:
        mem_mb=32000,
        runtime=5760,
        gpu=gpus_of,
    params:
        settings=training_settings,
        skeleton=model_skeleton,
        seed=lambda wildcards: int(wildcards.seed),
        state=untracked(state_folder),
        subset=untracked(
            lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/annotations.json"
        ),
        tests=untracked(tests_of_training),
        code=training_code,
    message:
        "Training {wildcards.experiment}, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"
